//! `hotloop repl`: programs line by line, with variables that stay.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::PathBuf;

use hotloop::{Engine, Error, ErrorKind, Output, Outputs, Result};
use hotloop_grammar::Statement;

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
pub(crate) fn run(engine: &Engine, inputs: &[(String, Given)]) -> std::result::Result<(), Failure> {
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
        return Ok(Line::Bad(Error::new(
            ErrorKind::Limit,
            format!("a line of more than {LINE_LIMIT} bytes"),
        )));
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
                let program = self.engine.compile(rest)?;
                let read = |name: &&String| program.inputs().iter().any(|i| **i == ***name);
                let names = self.variables.keys().filter(read);
                let types: Vec<_> =
                    names.map(|name| (name.clone(), self.variables[name].ty())).collect();
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

    /// Evaluates a program. `x = program` may read the `x` there was; of several bindings all
    /// become variables; other programs are printed.
    fn program(&mut self, line: &str) -> Result<String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(String::new());
        }
        // What does not parse is no binding, and the engine says what it is.
        let ast = hotloop_grammar::parse(line).ok();
        let statements = ast.as_ref().map_or(&[][..], |ast| ast.statements());
        if let (Some(ast), [Statement::Binding { name, .. }]) = (&ast, statements) {
            let body = line[name.span.range().end..]
                .trim_start()
                .strip_prefix('=')
                .unwrap_or_default()
                .trim();
            let value = match Number::parse(body) {
                Ok(Some(number)) => Value::Number(number),
                _ => kept(&self.evaluate(body)?[0])?,
            };
            self.variables.insert(ast.name(name.name).to_string(), value);
            return Ok(String::new());
        }
        let printed = statements.iter().any(|s| matches!(s, Statement::Outputs { .. }));
        let outputs = self.evaluate(line)?;
        if printed {
            return Ok(show::show_all(outputs.iter()));
        }
        for output in outputs.iter() {
            self.variables.insert(output.name().unwrap_or_default().to_string(), kept(output)?);
        }
        Ok(String::new())
    }

    fn evaluate(&self, text: &str) -> Result<Outputs> {
        let program = self.engine.compile(text)?;
        let values: Vec<(&str, &Value)> = program
            .inputs()
            .iter()
            .filter_map(|name| self.variables.get_key_value(&**name))
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        if values.len() < program.inputs().len() {
            let missing =
                program.inputs().iter().find(|name| !self.variables.contains_key(&***name));
            let name = missing.map(|name| &**name).unwrap_or_default();
            let error = Error::new(ErrorKind::Name, format!("there is no variable '{name}'"));
            let near = hotloop::ops::suggestions(name, self.variables.keys().map(String::as_str));
            return Err(match near.first() {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error.hint(format!("':load {name}=FILE.npy' reads one")),
            });
        }
        evaluate(&program, &values)
    }

    fn load(&mut self, word: &str) -> Result<String> {
        let (name, given) =
            input(word.as_ref()).map_err(|message| Error::new(ErrorKind::Name, message))?;
        let value = Value::load(&given)?;
        let text = described(&name, &value);
        self.variables.insert(name, value);
        Ok(text)
    }

    /// Saves through a program that only names the variable, and so gives it in C order.
    fn save(&self, rest: &str) -> Result<String> {
        let (name, path) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if !is_name(name) || path.is_empty() {
            return Err(Error::new(ErrorKind::Name, "write ':save NAME FILE.npy'"));
        }
        Destination::new(PathBuf::from(path.trim())).write(self.evaluate(name)?.iter())?;
        Ok(String::new())
    }
}

fn kept(output: &Output) -> Result<Value> {
    Array::copied(output.dtype(), output.shape(), &output.bytes()).map(Value::Array)
}

/// A variable's name, type and shape, or its name and value.
fn described(name: &str, value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{name} = {number}\n"),
        Value::Array(array) => {
            format!("{name}: {} {}\n", array.dtype(), show::shape(array.shape()))
        }
        Value::File(_) => format!("{name}\n"),
    }
}
