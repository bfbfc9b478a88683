//! The command `hotloop`: array expressions over files, from a shell.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
