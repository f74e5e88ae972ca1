//! The API held to its own description by schemathesis: whatever is sent, no answer is a fault of ours, and none is off what the description says.

use std::process::Stdio;

use tokio::process::Command;

use crate::kit::{
    host::{Host, ran},
    process::{peer, tool},
};

/// Each address is asked at most so often with what chance makes up, beside what its description suggests.
const EXAMPLES: &str = "5";

#[tokio::test]
async fn whatever_is_sent_no_answer_is_a_fault_or_off_its_description() {
    let host = Host::of().set("limits.enabled=false").start().await;
    let description = format!("http://127.0.0.1{}/api/openapi.json", &host.public()["http://localhost".len()..]);
    let mut command = Command::new(tool("venv/bin/schemathesis"));
    command.current_dir(host.folder()).env("HOME", host.folder()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", peer("schemathesis_hooks.py")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.args(["run", &description, "--no-color", "--output-truncate", "false", "--workers", "1"]);
    // The same questions every time.
    command.args(["--seed", "5", "--generation-deterministic", "--max-examples", EXAMPLES]);
    command.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--suppress-health-check",
        "all",
        "--request-timeout",
        "60",
    ]);
    command.args([
        "--checks",
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    ]);

    let judged = ran(command).await;

    assert_eq!(judged.code, Some(0), "{}\n{}", judged.out, judged.err);
}
