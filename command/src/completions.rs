//! Shell completion scripts, generated from the same tables as the help.

use super::flag::{Row, Takes};
use super::help;
use super::verb::{About, SHELLS, Verb, named};

/// The script for a shell of [`SHELLS`].
pub(crate) fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

/// All commands, the one without a word first.
fn commands() -> impl Iterator<Item = &'static About> {
    [Verb::Evaluate.about()].into_iter().chain(named())
}

/// The options of a command.
fn options(about: &About) -> impl Iterator<Item = &'static Row> {
    about.options.iter().chain(&[super::flag::Flag::Help]).map(|flag| flag.row())
}

/// The words that may follow a command's name, if there are few.
fn words(verb: Verb) -> Vec<&'static str> {
    match verb {
        Verb::Completions => SHELLS.to_vec(),
        Verb::Help => {
            let topics = named().map(|about| about.name).chain(["language"]);
            topics.chain(super::functions::names()).collect()
        }
        Verb::Functions => super::functions::names().collect(),
        _ => Vec::new(),
    }
}

fn spellings(rows: impl Iterator<Item = &'static Row>) -> String {
    rows.flat_map(Row::spellings).collect::<Vec<_>>().join(" ")
}

/// The first words that are commands.
fn verbs() -> String {
    named().map(|about| about.name).collect::<Vec<_>>().join(" ")
}

fn bash() -> String {
    let mut values = String::new();
    for row in super::flag::Flag::all() {
        let names = row.spellings().collect::<Vec<_>>().join("|");
        values += &match row.takes {
            Takes::Nothing => continue,
            Takes::Word(_, words) => format!(
                "        {names}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n",
                words.join(" ")
            ),
            Takes::Path(_) => {
                format!(
                    "        {names}) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
                )
            }
            Takes::Text(_) => format!("        {names}) return ;;\n"),
        };
    }
    let mut options_of = String::new();
    let mut words_of = String::new();
    for about in commands() {
        let name = if about.name.is_empty() { "*" } else { about.name };
        let line = format!("        {name}) options='{}' ;;\n", spellings(options(about)));
        match name {
            "*" => {}
            _ => options_of += &line,
        }
        let words = words(about.verb);
        if !words.is_empty() {
            words_of += &format!("        {name}) words='{}' ;;\n", words.join(" "));
        }
    }
    options_of +=
        &format!("        *) options='{}' ;;\n", spellings(options(Verb::Evaluate.about())));
    format!(
        "\
# bash completion for hotloop: source <(hotloop completions bash)
_hotloop() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
    local verb='' options='' words='' word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        case \" {verbs} \" in *\" $word \"*) verb=$word; break ;; esac
    done
    # bash takes @FILE for two words, and has the whole of it replaced.
    if [[ $prev == @ && $2 == @* ]]; then cur=$2; fi
    # bash takes NAME=FILE for three words.
    if [[ $cur == = ]]; then cur=''; prev='='; fi
    if [[ $prev == = ]]; then
        local before=${{COMP_WORDS[COMP_CWORD-2]}}
        [[ ${{COMP_WORDS[COMP_CWORD]}} == = ]] && before=${{COMP_WORDS[COMP_CWORD-1]}}
        case $before in --*) prev=$before ;; esac
    fi
    case $prev in
{values}    esac
    if [[ $prev == = ]]; then
        compopt -o filenames
        COMPREPLY=($(compgen -f -- \"$cur\"))
        return
    fi
    case $verb in
{options_of}    esac
    case $verb in
{words_of}        '') [[ $COMP_CWORD == 1 ]] && words='{verbs}' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))
    elif [[ $cur == @* ]]; then
        # No name of a file, which bash would complete without the @.
        local IFS=$'\\n'
        for word in $(compgen -f -- \"${{cur#@}}\"); do
            [[ -d $word ]] && word+=/ && compopt -o nospace
            printf -v word %q \"$word\"
            COMPREPLY+=(\"@$word\")
        done
    elif [[ $words ]]; then
        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))
    else
        compopt -o filenames
        COMPREPLY=($(compgen -f -- \"$cur\"))
    fi
}} 2>/dev/null
complete -F _hotloop hotloop
",
        verbs = verbs()
    )
}

/// A text in single quotes with zsh's special characters escaped.
fn zsh_text(text: &str) -> String {
    text.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}

fn zsh_option(row: &Row) -> String {
    let value = match row.takes {
        Takes::Nothing => String::new(),
        Takes::Text(value) => format!(":{value}: "),
        Takes::Path(value) => format!(":{value}:_files"),
        Takes::Word(value, words) => format!(":{value}:({})", words.join(" ")),
    };
    let (about, all) = (zsh_text(row.about), row.spellings().collect::<Vec<_>>());
    let line = |name: &String| format!("        '({0}){name}[{about}]{value}'", all.join(" "));
    all.iter().map(line).collect::<Vec<_>>().join(" \\\n")
}

fn zsh() -> String {
    let list =
        named().map(|about| format!("        '{}:{}'\n", about.name, zsh_text(about.summary)));
    let mut cases = String::new();
    for about in named() {
        let options: Vec<String> = options(about).map(zsh_option).collect();
        let words = words(about.verb);
        let rest = match words.is_empty() {
            true => "'*:input:_hotloop_input'".to_string(),
            false => format!("'*:word:({})'", words.join(" ")),
        };
        let options = options.join(" \\\n");
        cases +=
            &format!("    {}) _arguments -s \\\n{options} \\\n        {rest} ;;\n", about.name);
    }
    let main: Vec<String> = options(Verb::Evaluate.about()).map(zsh_option).collect();
    format!(
        "\
#compdef hotloop
# zsh completion for hotloop: hotloop completions zsh > a directory of $fpath/_hotloop
_hotloop_input() {{
    compset -P '*=' || compset -P '@'
    _files
}}
_hotloop_first() {{
    local -a commands=(
{list}    )
    _describe command commands
    _hotloop_input
}}
_hotloop() {{
    case ${{words[2]}} in
{cases}    *) _arguments -s \\
{main} \\
        '1:program:_hotloop_first' '*:input:_hotloop_input' ;;
    esac
}}
if [ \"$funcstack[1]\" = _hotloop ]; then _hotloop \"$@\"; else compdef _hotloop hotloop; fi
",
        list = list.collect::<String>(),
        main = main.join(" \\\n")
    )
}

/// A text in single quotes.
fn fish_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn fish() -> String {
    // fish completes files by itself, also after NAME=.
    let mut script = "# fish completion for hotloop\n".to_string();
    for about in named() {
        script += &format!(
            "complete -c hotloop -n __fish_use_subcommand -a {} -d {}\n",
            about.name,
            fish_text(about.summary)
        );
        let words = words(about.verb).join(" ");
        if !words.is_empty() {
            script += &format!(
                "complete -c hotloop -n '__fish_seen_subcommand_from {}' -f -a '{words}'\n",
                about.name
            );
        }
    }
    for about in commands() {
        let when = match about.name {
            "" => format!("not __fish_seen_subcommand_from {}", verbs()),
            name => format!("__fish_seen_subcommand_from {name}"),
        };
        for row in options(about) {
            let short = row.short.map(|letter| format!(" -s {letter}")).unwrap_or_default();
            let long = row.long.map(|word| format!(" -l {word}")).unwrap_or_default();
            let takes = match row.takes {
                Takes::Nothing => String::new(),
                Takes::Text(_) => " -x".to_string(),
                Takes::Path(_) => " -r -F".to_string(),
                Takes::Word(_, words) => format!(" -x -a '{}'", words.join(" ")),
            };
            let about = fish_text(row.about);
            script += &format!("complete -c hotloop -n '{when}'{short}{long}{takes} -d {about}\n");
        }
    }
    script
}

/// The error for an unknown shell.
pub(crate) fn unknown(shell: Option<&str>) -> String {
    match shell {
        Some(shell) => {
            format!("there are completions for {}, not for {shell:?}", SHELLS.join(", "))
        }
        None => format!(
            "completions for which shell? write `{}`",
            help::usage(Verb::Completions.about())
        ),
    }
}
