//! Links, permissions, devices, signals and descriptors, on Unix.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use super::{f64s, header, read_f64s, write_f64};
use crate::runs::{Ran, command, fails, limited, names, ok, temporary, with_header, write};

#[test]
fn h5_symbolic_links_stay() {
    let dir = temporary();
    let dir = dir.path();
    fs::create_dir(dir.join("far")).unwrap();
    write(dir, "far/y.npy", b"old");
    symlink("far/y.npy", dir.join("link.npy")).unwrap();
    symlink("link.npy", dir.join("second.npy")).unwrap();
    ok(dir, &["a", "a=1.5", "-o", "second.npy"]);
    assert_eq!(read_f64s(dir, "far/y.npy", "()"), [1.5]);
    assert!(fs::symlink_metadata(dir.join("link.npy")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(dir.join("second.npy")).unwrap().is_symlink());
    assert_eq!(names(&dir.join("far")), ["y.npy"]);
    // A link to a missing file, and a link to itself.
    symlink("far/new.npy", dir.join("dangling.npy")).unwrap();
    ok(dir, &["a", "a=2.5", "-o", "dangling.npy"]);
    assert_eq!(read_f64s(dir, "far/new.npy", "()"), [2.5]);
    symlink("circle.npy", dir.join("circle.npy")).unwrap();
    assert!(fails(dir, 1, &["a", "a=1", "-o", "circle.npy"]).contains("symbolic links"));
}

#[test]
fn h5_permissions_stay_or_are_those_of_a_new_file() {
    let dir = temporary();
    let dir = dir.path();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    write(dir, "plain", b"");
    ok(dir, &["a", "a=1", "-o", "new.npy"]);
    assert_eq!(mode("new.npy"), mode("plain"));
    fs::set_permissions(dir.join("new.npy"), fs::Permissions::from_mode(0o640)).unwrap();
    ok(dir, &["a", "a=2", "-o", "new.npy"]);
    assert_eq!(mode("new.npy"), 0o640);
}

#[test]
fn h5_without_permission_nothing_changes() {
    let dir = temporary();
    let dir = dir.path();
    write(dir, "y.npy", b"old");
    fs::set_permissions(dir.join("y.npy"), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(dir.join("y.npy")).is_ok() {
        return; // The superuser may write everywhere.
    }
    assert!(fails(dir, 1, &["a", "a=1", "-o", "y.npy"]).contains("ermission"));
    assert_eq!(fs::read(dir.join("y.npy")).unwrap(), b"old");
    fs::set_permissions(dir, fs::Permissions::from_mode(0o555)).unwrap();
    assert!(fails(dir, 1, &["a", "a=1", "-o", "z.npy"]).contains("ermission"));
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(names(dir), ["y.npy"]);
}

#[test]
fn devices_are_written_as_they_are() {
    let dir = temporary();
    let dir = dir.path();
    ok(dir, &["a", "a=1", "-o", "/dev/null"]);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    if Path::new("/dev/full").exists() {
        assert!(fails(dir, 1, &["a", "a=1", "-o", "/dev/full"]).contains("\"/dev/full\""));
    }
    let out = command(dir).args(["a", "a=1.5", "-o", "/dev/stdout"]).output().unwrap();
    assert_eq!(f64s(&out.stdout, "()"), [1.5]);
}

/// A limit on the size of files acts like a full disk, at every size.
#[test]
fn h4_a_full_disk_leaves_the_old_file() {
    let dir = temporary();
    let dir = dir.path();
    let values: Vec<f64> = (0..1000).map(f64::from).collect();
    write_f64(dir, "a.npy", &values);
    for name in ["y.npy", "y.npz", "y.csv"] {
        let mut blocks = 0;
        loop {
            write(dir, name, b"old");
            let words = ["a + 1", "a=a.npy", "-o", name];
            let out = limited(dir, &format!("ulimit -f {blocks}"), &words).output().unwrap();
            assert_eq!(names(dir), ["a.npy", name], "after {blocks} blocks");
            let left = fs::read(dir.join(name)).unwrap();
            if out.status.success() {
                assert!(left.len() > 4000);
                break;
            }
            assert_eq!(out.status.code(), Some(1));
            assert_eq!(left, b"old");
            let err = String::from_utf8(out.stderr).unwrap();
            assert!(blocks == 0 || err.contains(&format!("cannot write \"{name}\"")), "{err}");
            blocks += 1;
            assert!(blocks < 100, "{err}");
        }
        assert!(blocks > 4, "the limit was never felt");
        fs::remove_file(dir.join(name)).unwrap();
    }
}

/// The limit also applies to the memory of compiled code. Programs that need no file still run
/// natively; those that need one fail with an error.
#[test]
fn h4_a_limit_on_the_size_of_files() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "x.npy", &[0.5; 200_000]);
    let out = limited(dir, "ulimit -f 0", &["sum(x) + max(x)", "x=x.npy"]).output().unwrap();
    assert_eq!(Ran::from(out).out, "100000.5\n");
    for (name, what) in [("y.npy", "y.npy"), ("y.npz", "y.npz"), ("y.csv", "y.csv")]
        .into_iter()
        .chain([("new/", "new/out0.npy"), ("> y", "standard output")])
    {
        // 500 or 1000 KiB, depending on the shell's unit.
        let limit = "ulimit -f 1000";
        let mut out = match name.strip_prefix("> ") {
            Some(file) => {
                limited(dir, &format!("{limit}; exec > {file}"), &["x + 1", "x=x.npy", "-o", "-"])
            }
            None => limited(dir, limit, &["x + 1", "x=x.npy", "-o", name]),
        };
        let ran = Ran::from(out.output().unwrap());
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.err);
        assert!(ran.err.contains("File too large"), "{name}: {}", ran.err);
        assert!(ran.err.contains(what) || name.starts_with('>'), "{name}: {}", ran.err);
    }
    assert_eq!(names(dir), ["x.npy", "y"]);
}

/// Child processes of the command have default signal handling.
#[test]
fn children_get_the_signal_of_the_limit() {
    let dir = temporary();
    let dir = dir.path();
    let status = "#!/bin/sh\ngrep -E 'Sig(Ign|Blk)' /proc/self/status >> $SEEN\nexit 1\n";
    write(dir, "cc", status.as_bytes());
    fs::set_permissions(dir.join("cc"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    let words = ["bench", "a + 1", "-n", "100", "--peers"];
    let out =
        command(dir).args(words).env("PATH", path).env("SEEN", dir.join("seen")).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let seen = fs::read_to_string(dir.join("seen")).expect("the compiler was asked for");
    for line in seen.lines() {
        let mask = u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap();
        assert_eq!(mask & 1 << (libc::SIGXFSZ - 1), 0, "{seen}");
    }
}

/// Set-user-ID and set-group-ID bits are not kept, because the new file may have another owner.
#[test]
fn h5_owner_and_group_are_kept_and_setuid_is_not() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "a.npy", &[1.0]);
    let superuser = chown(dir.join("a.npy"), Some(65534), Some(65534)).is_ok();
    fs::set_permissions(dir.join("a.npy"), fs::Permissions::from_mode(0o7754)).unwrap();
    let old = fs::metadata(dir.join("a.npy")).unwrap();
    ok(dir, &["a + 1", "a=a.npy", "-o", "a.npy"]);
    assert_eq!(read_f64s(dir, "a.npy", "(1,)"), [2.0]);
    let new = fs::metadata(dir.join("a.npy")).unwrap();
    assert_ne!(new.ino(), old.ino(), "the file was replaced");
    assert_eq!((new.uid(), new.gid()), (old.uid(), old.gid()), "superuser: {superuser}");
    assert_eq!(new.mode() & 0o7777, 0o754);
}

#[test]
fn an_output_takes_one_descriptor() {
    let dir = temporary();
    let dir = dir.path();
    let program: Vec<String> = (0..80).map(|i| format!("a + {i}.5")).collect();
    for place in ["many/", "many.npz"] {
        let words = [&program.join(", "), "a=1", "-o", place];
        let out = limited(dir, "ulimit -n 110", &words).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }
    assert_eq!(names(&dir.join("many")).len(), 80);
    assert_eq!(read_f64s(dir, "many/out79.npy", "()"), [80.5]);
}

#[test]
fn a_directory_that_a_failed_run_made_is_gone() {
    let dir = temporary();
    let dir = dir.path();
    write_f64(dir, "x.npy", &[0.5; 1000]);
    fs::create_dir(dir.join("old")).unwrap();
    for place in ["old/new/er/", "old/"] {
        let out = limited(dir, "ulimit -f 1", &["x + 1, 2 * x", "x=x.npy", "-o", place])
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(1), "{out:?}");
        assert_eq!(names(&dir.join("old")), [""; 0], "{place}");
        assert_eq!(names(dir), ["old", "x.npy"]);
    }
}

#[test]
fn paths_need_not_be_text() {
    let dir = temporary();
    let dir = dir.path();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.npy");
    if fs::write(dir.join(name), with_header(&header("|u1", false, "(1,)"), &[5])).is_err() {
        return; // Some file systems insist on text.
    }
    let word = [b"x=", name.as_bytes()].concat();
    let out = command(dir).arg("x").arg(std::ffi::OsStr::from_bytes(&word)).output().unwrap();
    assert_eq!(out.stdout, b"x: u8 (1,)\n[5]\n");
    let out = command(dir).arg(std::ffi::OsStr::from_bytes(b"a + \xff")).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
}
