//! Available memory.

use std::fs;
use std::path::{Path, PathBuf};

use hotloop::{Error, ErrorKind, Result};

use super::quantity;

/// Less is not asked for.
const SMALL: u64 = 1 << 20;

/// The files of a version of control groups.
struct Version {
    root: &'static str,
    /// The files with the limit and the usage of a group.
    most: &'static str,
    used: &'static str,
    /// The line of `memory.stat` with the pages of files that the system drops when it must.
    cache: &'static str,
}

const V1: Version = Version {
    root: "/sys/fs/cgroup/memory",
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cache: "total_inactive_file",
};
const V2: Version = Version {
    root: "/sys/fs/cgroup",
    most: "memory.max",
    used: "memory.current",
    cache: "inactive_file",
};

/// The bytes available to this process without swapping others out; `None` if unknown. The minimum
/// over the machine and the process's control groups of either version, if they are in
/// `/sys/fs/cgroup`.
pub(crate) fn available() -> Option<u64> {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| machine(&text));
    let groups = read(Path::new("/proc/self/cgroup")).map(|text| groups(&text));
    let left = groups.into_iter().flatten().filter_map(|(version, group)| {
        let [most, used, stat] =
            [version.most, version.used, "memory.stat"].map(|name| read(&group.join(name)));
        left(&most?, &used?, &stat?, version.cache)
    });
    machine.into_iter().chain(left).min()
}

/// Checks that `bytes` bytes are available, because overcommitted memory may get a process killed
/// later.
///
/// # Errors
/// `OutOfMemory`.
pub(crate) fn check(bytes: u64) -> Result<()> {
    check_of(bytes, available)
}

/// As [`check`], given the available memory.
///
/// # Errors
/// `OutOfMemory`.
pub(crate) fn check_of(bytes: u64, free: fn() -> Option<u64>) -> Result<()> {
    match (bytes > SMALL).then(free).flatten() {
        Some(free) if bytes > free => {
            let message = format!(
                "{} are needed, but only {} of memory are free",
                quantity::size(bytes),
                quantity::size(free)
            );
            Err(Error::new(ErrorKind::OutOfMemory, message))
        }
        _ => Ok(()),
    }
}

/// The bytes of `MemAvailable`.
fn machine(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The groups that have a say in a process's memory, each before the one that it is in, by the
/// process's `cgroup` file.
fn groups(text: &str) -> Vec<(&'static Version, PathBuf)> {
    let mut groups = Vec::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let version = match controllers {
            "" => &V2,
            _ if controllers.split(',').any(|name| name == "memory") => &V1,
            _ => continue,
        };
        // A container may see its own group as the root, whatever its path is outside.
        let inner = Path::new(path.trim_start_matches('/')).ancestors();
        groups.extend(inner.map(|path| (version, Path::new(version.root).join(path))));
    }
    groups
}

/// The memory left in a group; `None` if it has no limit.
fn left(most: &str, used: &str, stat: &str, cache: &str) -> Option<u64> {
    let most = most.trim().parse::<u64>().ok()?;
    let used = used.trim().parse::<u64>().ok()?;
    let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
    let cache = lines.find(|(name, _)| *name == cache).and_then(|(_, n)| n.trim().parse().ok());
    Some(most.saturating_sub(used.saturating_sub(cache.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_has() {
        assert_eq!(machine("MemFree: 1 kB\nMemAvailable:   12 kB\n"), Some(12 << 10));
        assert_eq!(machine("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn groups_of_both_versions() {
        let paths = |text| -> Vec<String> {
            groups(text).iter().map(|(_, path)| path.display().to_string()).collect()
        };
        let nested = ["/sys/fs/cgroup/a.slice/b:c", "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup/"];
        assert_eq!(paths("0::/a.slice/b:c\n"), nested);
        let both = "5:cpu,memory:/job\n2:devices:/x\n1:name=systemd:/y\n0::/\nnonsense\n";
        let expected = ["/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/memory/", "/sys/fs/cgroup/"];
        assert_eq!(paths(both), expected);
    }

    /// Inactive page cache counts as free.
    #[test]
    fn what_a_group_leaves() {
        let stat = "anon 300\nfile 650\ninactive_file 600\nactive_file 50\n";
        assert_eq!(left("1000\n", "950\n", stat, "inactive_file"), Some(650));
        assert_eq!(left("1000", "950", stat, "total_inactive_file"), Some(50));
        assert_eq!(left("1000", "2000", "", "inactive_file"), Some(0));
        assert_eq!(left("max\n", "950\n", stat, "inactive_file"), None);
    }
}
