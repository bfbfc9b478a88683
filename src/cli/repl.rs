//! `hotloop repl`: programs line by line, with variables that stay.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use hotloop::{Engine, Error, ErrorKind, Output, Result};

use super::args::{Given, Number, input, is_name};
use super::array::Array;
use super::evaluate::{Value, evaluate};
use super::save::Destination;
use super::{Failure, complain, explain, functions, print, show};

/// A longer line is refused; the engine takes no longer programs either.
const LINE_LIMIT: u64 = 1 << 20;

const HELP: &str = "\
PROGRAM              evaluate and print; bindings and 'x = PROGRAM' stay as variables
:load NAME=FILE.npy  read an array
:save NAME FILE.npy  write a variable
:vars                list the variables
:explain PROGRAM     what a program becomes for the variables there are
:functions [NAME]    what can be called
:quit                end; so does the end of the input
";

/// Reads lines until they end. Where no person types them, an error in any makes the command fail.
pub(crate) fn run(engine: &Engine, inputs: &[(String, Given)]) -> Result<(), Failure> {
    let mut session = Session { engine, variables: BTreeMap::new() };
    for (name, given) in inputs {
        session.variables.insert(name.clone(), Value::load(given)?);
    }
    let mut stdin = io::stdin().lock();
    let terminal = stdin.is_terminal();
    if terminal {
        print("hotloop: ':help' for help, ':quit' or Ctrl-D to end\n")?;
    }
    let mut failed = false;
    loop {
        if terminal {
            print("> ")?;
        }
        let outcome = match next_line(&mut stdin)? {
            Line::End => break,
            Line::Bad(error) => Err(error.into()),
            Line::Text(line) => match session.line(line.trim()) {
                Ok(Next::Quit) => break,
                Ok(Next::Go(text)) => print(&text),
                Err(error) => Err(error.into()),
            },
        };
        match outcome {
            Err(Failure::Error(error)) => {
                complain(&error);
                failed = true;
            }
            other => other?,
        }
    }
    if terminal {
        return print("\n");
    }
    match failed {
        true => Err(Error::new(ErrorKind::Io, "not every line could be evaluated").into()),
        false => Ok(()),
    }
}

enum Line {
    Text(String),
    Bad(Error),
    End,
}

/// The next line; one that is too long is read to its end but not kept.
fn next_line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut bytes = Vec::new();
    input.take(LINE_LIMIT + 1).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(Line::End);
    }
    if bytes.len() as u64 > LINE_LIMIT && bytes.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
        return Ok(Line::Bad(Error::new(ErrorKind::Limit, format!("a line of more than {LINE_LIMIT} bytes"))));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Line::Text(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Line::Bad(Error::new(ErrorKind::Lex, format!("the line is not UTF-8 at byte {at}")))
        }
    })
}

enum Next {
    Go(String),
    Quit,
}

struct Session<'a> {
    engine: &'a Engine,
    variables: BTreeMap<String, Value>,
}

impl Session<'_> {
    fn line(&mut self, line: &str) -> Result<Next> {
        let Some(command) = line.strip_prefix(':') else {
            return self.program(line).map(Next::Go);
        };
        let (verb, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let rest = rest.trim();
        let text = match verb {
            "q" | "quit" | "exit" => return Ok(Next::Quit),
            "h" | "help" => HELP.to_string(),
            "load" => self.load(rest)?,
            "save" => self.save(rest)?,
            "vars" => self.variables.iter().map(|(name, value)| described(name, value)).collect(),
            "explain" => {
                let types: Vec<_> = self.variables.iter().map(|(n, v)| (n.clone(), v.ty())).collect();
                let program = self.engine.compile(rest)?;
                let read = |(name, _): &(String, _)| program.inputs().iter().any(|i| **i == **name);
                let types: Vec<_> = types.into_iter().filter(read).collect();
                explain::explain(self.engine, rest, &types)?
            }
            "functions" if rest.is_empty() => functions::table(),
            "functions" => functions::detail(rest)?,
            _ => {
                let error = Error::new(ErrorKind::Name, format!("there is no command {verb:?}"));
                return Err(error.hint("':help' lists them"));
            }
        };
        Ok(Next::Go(text))
    }

    /// Evaluates a program. Of `x = program` the variable takes the result, even if the program
    /// reads its old value; other bindings become variables where all outputs are bindings.
    fn program(&mut self, line: &str) -> Result<String> {
        let code = line.split('#').next().unwrap_or_default().trim();
        if code.is_empty() {
            return Ok(String::new());
        }
        if let Some((name, body)) = assignment(code) {
            if let Ok(Some(number)) = Number::parse(body) {
                self.variables.insert(name.to_string(), Value::Number(number));
                return Ok(String::new());
            }
            let (outputs, _) = self.evaluate(body)?;
            if let [output] = &outputs[..] {
                self.keep(name, output)?;
                return Ok(String::new());
            }
            return Err(Error::new(ErrorKind::Arity, format!("{name} can only be one output")));
        }
        let (outputs, bindings) = self.evaluate(line)?;
        if bindings {
            for output in &outputs {
                self.keep(output.name().unwrap_or_default(), output)?;
            }
            return Ok(String::new());
        }
        Ok(outputs.iter().map(show::show).collect())
    }

    /// The outputs, and whether the program is nothing but bindings.
    fn evaluate(&self, text: &str) -> Result<(Vec<Output>, bool)> {
        todo!("{text}")
    }

    fn keep(&mut self, name: &str, output: &Output) -> Result<()> {
        let array = Array::copied(output.dtype(), output.shape(), output.bytes())?;
        self.variables.insert(name.to_string(), Value::Array(array));
        Ok(())
    }
}
