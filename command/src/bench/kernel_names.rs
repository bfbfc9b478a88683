//! The names of the math kernels, which all have the same symbol in the executable.

use std::collections::HashMap;

use hotloop::explain::kernel_addresses;

/// The common part of the symbols of all math kernels.
const SYMBOL: &str = "_runtime::kernels::math::shell::";

/// The name of each math kernel by the address of its first instruction, as `perf` writes it.
#[derive(Default)]
pub(super) struct KernelNames(HashMap<u64, &'static str>);

/// A part of a file in the memory of this process.
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    path: String,
}

impl KernelNames {
    /// Those of this process.
    pub(super) fn of_this_process() -> KernelNames {
        KernelNames::within(&std::fs::read_to_string("/proc/self/maps").unwrap_or_default())
    }

    /// `maps` is the text of `/proc/self/maps`.
    fn within(maps: &str) -> KernelNames {
        let mappings: Vec<Mapping> = maps.lines().filter_map(Mapping::parse).collect();
        let mut names = HashMap::new();
        let mut add = |address: usize, name: &'static str| {
            let address = address as u64;
            names.entry(address).or_insert(name);
            let Some(own) = mappings.iter().find(|m| (m.start..m.end).contains(&address)) else {
                return;
            };
            // Which of the two `perf` prints depends on how the executable was linked.
            names.entry(address - own.start + own.offset).or_insert(name);
            if let Some(first) = mappings.iter().find(|m| m.path == own.path && m.offset == 0) {
                names.entry(address - first.start).or_insert(name);
            }
        };
        kernel_addresses().into_iter().for_each(|(address, name)| add(address, name));
        KernelNames(names)
    }

    /// The name of a frame: the function's name for a math kernel, otherwise the symbol.
    pub(super) fn name(&self, symbol: &str, start: Option<u64>) -> String {
        let Some((_, isa)) = symbol.split_once(SYMBOL) else { return symbol.to_string() };
        let isa = isa.split([':', '<']).next().unwrap_or_default().trim_end_matches("_pair");
        match start.and_then(|start| self.0.get(&start)) {
            Some(name) => format!("{name} ({isa})"),
            None => format!("a math function ({isa})"),
        }
    }
}

impl Mapping {
    /// A line of `/proc/self/maps`: `5581a000-5581f000 r-xp 00002000 08:01 1234   /usr/bin/x`.
    fn parse(line: &str) -> Option<Mapping> {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        let (start, end, offset) = (hex(start)?, hex(end)?, hex(words.nth(1)?)?);
        let path = words.skip(2).collect::<Vec<_>>().join(" ");
        (!path.is_empty()).then_some(Mapping { start, end, offset, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel whose address in the process differs from that in the file.
    #[test]
    fn kernels_are_known_by_their_address() {
        let (exp, _) = kernel_addresses().into_iter().find(|(_, name)| *name == "exp").unwrap();
        let exp = exp as u64;
        let page = exp & !0xfff;
        let maps = format!(
            "{:x}-{:x} r--p 00000000 08:01 7 /a b\n{:x}-{:x} r-xp 00001000 08:01 7 /a b\n",
            page - 0x5000,
            page - 0x3000,
            page,
            page + 0x4000
        );
        let names = KernelNames::within(&maps);
        let symbol = "hotloop_runtime::kernels::math::shell::scalar";
        for start in [exp, exp - page + 0x1000, exp - page + 0x5000] {
            assert_eq!(names.name(symbol, Some(start)), "exp (scalar)", "{start:x}");
        }
        assert_eq!(names.name(symbol, Some(exp + 1)), "a math function (scalar)");
        assert_eq!(names.name("main", Some(exp)), "main");
    }
}
