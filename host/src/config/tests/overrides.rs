//! `--set key=value`.

use super::*;

fn set(set: &[&str]) -> Checked {
    Case { set, ..shipped() }.good()
}

fn faults(set: &[&str]) -> String {
    Case { set, ..shipped() }.faults().render(false)
}

#[test]
fn text_is_taken_as_it_stands_where_a_string_is_wanted() {
    let checked = set(&[
        "server.listen=127.0.0.1:4040",
        "sms.from=+15550009999",
        "data.dir=some where",
        "server.public_url=http://a.b:1/=x",
    ]);
    assert_eq!(checked.server.listen.port(), 4040);
    assert_eq!(checked.sms.from.as_deref(), Some("+15550009999"));
    assert_eq!(checked.data_dir, Path::new("/srv/wtaf/some where"));
    assert_eq!(checked.server.public_url.as_str(), "http://a.b:1/=x");
}

#[test]
fn elsewhere_it_is_toml() {
    let checked = set(&[
        "limits.enabled=false",
        "limits.per_hour=7",
        "limits.factor={ admin = 2.5 }",
        "server.trusted_proxies=[\"::1\"]",
    ]);
    assert!(!checked.limits.enabled);
    assert_eq!((checked.limits.per_hour, checked.limits.factor.clone()), (7, vec![("admin".to_owned(), 2.5)]));
    assert_eq!(checked.server.trusted_proxies, ["::1"]);
}

#[test]
fn a_databases_files_are_found_from_the_file_and_its_tls_mode_is_one() {
    use secrecy::ExposeSecret;

    let url = |checked: &Checked| match &checked.store.url {
        StoreUrl::Postgres(url) => url.expose_secret().to_owned(),
        StoreUrl::Sqlite(file) => file.display().to_string(),
    };
    let near = set(&["store.url=postgres://u:p@h/x?sslmode=verify-full&sslrootcert=root.pem"]);
    assert_eq!(url(&near), "postgres://u:p@h/x?sslmode=verify-full&sslrootcert=%2Fsrv%2Fwtaf%2Froot.pem");
    let odd = faults(&["store.url=postgres://u:hush@h/x?sslmode=yes"]);
    assert!(odd.contains("verify-full") && !odd.contains("hush"), "{odd}");
    let idle = faults(&["store.listen_url=postgres://u:hush@h/x"]);
    assert!(idle.contains("with PostgreSQL alone") && !idle.contains("hush"), "{idle}");
}

#[test]
fn one_or_a_list_may_be_either() {
    assert_eq!(set(&["server.trusted_proxies=10.0.0.1"]).server.trusted_proxies, ["10.0.0.1"]);
    let checked =
        set(&["sms.provider=twilio", "sms.account_sid=AC1", "sms.from=+15550009999", r#"sms.auth_token=["a", "b"]"#]);
    assert!(matches!(&checked.sms.provider, SmsProvider::Twilio(twilio) if twilio.auth_tokens.len() == 2));
}

#[test]
fn items_are_named_by_number_or_by_name_and_the_last_override_wins() {
    let env = [("ANTHROPIC_API_KEY", "k")];
    let set = [
        "ai.0.base_url=http://127.0.0.1:1",
        "ai.claude-small.model=tiny",
        "stage.coach.memory=128MiB",
        "stage.1.deadline=1s",
        "stage.prompt.deadline=3s",
    ];
    let checked = Case { env: &env, set: &set, ..shipped() }.good();
    assert_eq!(checked.ai[0].base_url.as_ref().map(url::Url::as_str), Some("http://127.0.0.1:1/"));
    assert_eq!(checked.ai[1].model, "tiny");
    assert_eq!(checked.stages[0].memory, Some(128 << 20));
    assert_eq!(checked.stages[1].deadline, Some(std::time::Duration::from_secs(3)));
}

#[test]
fn a_plugins_own_config_takes_toml_or_text() {
    let checked = set(&[
        "stage.coach.config.default_coach=venus",
        "stage.coach.config.chat_minutes=5",
        "stage.coach.config.deep.er=true",
    ]);
    assert_eq!(
        serde_json::Value::Object(checked.stages[0].config.clone()),
        serde_json::json!({
            "default_coach": "venus", "chat_minutes": 5, "deep": { "er": true }
        })
    );
}

#[test]
fn a_whole_list_can_be_replaced_and_a_new_item_added() {
    let demo = set(&[r#"ai=[{ name = "only", kind = "demo" }]"#]);
    assert_eq!(demo.ai.iter().map(|ai| ai.name.as_str()).collect::<Vec<_>>(), ["only"]);
    let more = set(&["ai.4.name=x", "ai.4.kind=openai", "ai.4.model=m", "ai.4.base_url=http://127.0.0.1:1/v1"]);
    assert_eq!(more.ai.iter().map(|ai| ai.name.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(set(&["coach.0.id=mo"]).coaches.len(), 1);
}

#[test]
fn a_fault_in_an_override_points_into_the_override() {
    insta::assert_snapshot!(faults(&[
        "server.listen=127.0.0.1:4040",
        "limits={ per_hour = 1, per_dya = 2 }",
        "limits.enabld=false",
        "limits.per_day=many",
        "stage.caoch.memory=1MiB",
        "server.listen.port=1",
        "no value",
        "ai..name=x",
        "plugins.deadline=2 sec",
    ]));
}

#[test]
fn a_key_given_on_the_command_line_is_not_shown_in_a_fault() {
    let shown = faults(&[
        "server.admin_token=two words",
        r#"ai=[{ name = "x", kind = "demo", api_key = "sk-secret" }]"#,
        "ai.7.api_key=sk-secret",
        "ai.x.apikey=sk-secret",
        "ai.x.api_key:sk-secret",
    ]);
    assert!(!shown.contains("sk-secret") && !shown.contains("two words"), "{shown}");
}

#[test]
fn plugins_from_a_bucket_need_servers_and_a_bucket_has_a_name() {
    let case = |set: &'static [&'static str]| Case { set, ..shipped() };

    let lacking = case(&["plugins.source=nats://plugins"]).faults().to_string();
    assert!(lacking.contains("need `queue.nats_url`") && lacking.contains("--set 1"), "{lacking}");
    for bad in ["nats://", "nats://a/b", "nats://a.b", "https://plugins"] {
        let set = [format!("plugins.source={bad}")];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        assert_eq!(Case { set: &set, ..shipped() }.faults().iter().count(), 1, "{bad}");
    }
    for taken in ["nodes", "generations", "jobs", "seen", "work", "dead"] {
        let set = [format!("plugins.source=nats://{taken}")];
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        let faults = Case { set: &set, ..shipped() }.faults().to_string();
        assert!(faults.contains("has a use of its own for, as for dead,"), "{taken}: {faults}");
    }
    let good = case(&["plugins.source=nats://plugins", "queue.nats_url=nats://127.0.0.1:4222"]).good();
    assert_eq!(good.plugins.source.bucket(), Some("plugins"));
}
