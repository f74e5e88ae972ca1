//! `wtaf-host`, the binary. Everything is in the library.

fn main() -> std::process::ExitCode {
    wtaf_host::cli::main()
}
