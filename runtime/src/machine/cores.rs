//! The processors that this thread may use, and whether their time is limited.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// The number of processors in this thread's affinity mask, which others may change at any time.
pub fn usable_cores() -> usize {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: an all-zero set is an empty one, and the call writes at most its size.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            if libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) == 0 {
                return libc::CPU_COUNT(&set).max(1) as usize;
            }
        }
    }
    thread::available_parallelism().map_or(1, usize::from)
}

/// Whether a control group limits the processor time of this process (`cpu.max`, or version 1's
/// `cpu.cfs_quota_us`): time spent waiting then counts against the limit.
pub fn has_quota() -> bool {
    let Ok(groups) = fs::read_to_string("/proc/self/cgroup") else { return false };
    groups.lines().any(|line| has_limit(Path::new("/sys/fs/cgroup"), line))
}

/// Whether a group, as a line of `/proc/self/cgroup`, or one around it has a limit.
fn has_limit(root: &Path, line: &str) -> bool {
    let mut fields = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { return false };
    let (folders, file): (Vec<PathBuf>, &str) = match controllers {
        "" => (vec![root.into(), root.join("unified")], "cpu.max"),
        _ if controllers.split(',').any(|name| name == "cpu") => {
            (vec![root.join(controllers), root.join("cpu")], "cpu.cfs_quota_us")
        }
        _ => return false,
    };
    let group = Path::new(group.trim_start_matches('/'));
    folders.iter().any(|folder| {
        let limited = |group: &Path| {
            let text = fs::read_to_string(folder.join(group).join(file)).unwrap_or_default();
            // "max", or microseconds; -1 for none in version 1.
            text.split_whitespace()
                .next()
                .is_some_and(|most| most.parse::<i64>().is_ok_and(|most| most > 0))
        };
        group.ancestors().any(limited)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_control_groups() {
        let root = std::env::temp_dir().join(format!("hotloop-cgroup-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("free/inner/cpu.max", "max 100000\n");
        write("tight/cpu.max", "50000 100000\n");
        write("tight/inner/cpu.max", "max 100000\n");
        write("cpu,cpuacct/old/cpu.cfs_quota_us", "50000\n");
        write("cpu,cpuacct/open/cpu.cfs_quota_us", "-1\n");
        let limited = |line| has_limit(&root, line);
        assert!(!limited("0::/free/inner"));
        assert!(limited("0::/tight"));
        assert!(limited("0::/tight/inner"), "by the group around it");
        assert!(!limited("0::/nowhere"));
        assert!(limited("4:cpu,cpuacct:/old/inner"));
        assert!(!limited("4:cpu,cpuacct:/open"));
        assert!(!limited("5:memory:/old"));
        assert!(!limited("nonsense"));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn there_is_a_core() {
        assert!(usable_cores() >= 1);
    }
}
