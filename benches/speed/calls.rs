//! The cost of calls: small ones, those that allocate, those that share little work among threads.

use std::hint::black_box;

use hotloop::{ArgType, DType, Engine, Result};

use crate::contest::{Field, args, count, digits, kernel, looping, outs, program, running};
use crate::timing::{Contender, interleaved};
use crate::workloads::{AXPBY, SQUARES, Workload};

/// `Program::eval`, which allocates its output, and `eval_into`, which does not.
pub fn fresh(field: &Field) -> Result<()> {
    println!("\n| program | n | threads | `eval`, ms | `eval_into`, ms | ratio |");
    println!("|---|---|---|---|---|---|");
    for (text, n) in [(AXPBY, 10_000_000), (AXPBY, 1_000_000), (SQUARES, 10_000_000)] {
        let workload = Workload::line(text, n);
        let (inputs, targets) = (workload.buffers(), workload.targets());
        for &threads in &field.threads {
            let program = program(&workload, field.isa, threads)?;
            let mut list = outs(&targets);
            let times = interleaved(vec![
                Box::new(|| {
                    assert!(black_box(program.eval(&args(&workload, &inputs)[..])).is_ok())
                }),
                Box::new(|| {
                    assert!(program.eval_into(&args(&workload, &inputs)[..], &mut list).is_ok());
                }),
            ]);
            println!(
                "| `{text}` | {} | {threads} | {} | {} | {} |",
                count(n),
                digits(times[0].median() * 1e3),
                digits(times[1].median() * 1e3),
                digits(times[0].ratio(&times[1])),
            );
        }
    }
    Ok(())
}

/// Two threads against one: it should never be slower to have them.
pub fn threads(field: &Field) -> Result<()> {
    let Some(&many) = field.threads.iter().find(|t| **t > 1) else {
        eprintln!("one processor: nothing to compare threads on");
        return Ok(());
    };
    println!("\n| program | n | 1 thread, µs | {many} threads, µs | ratio |");
    println!("|---|---|---|---|---|");
    for text in [AXPBY, SQUARES] {
        for n in [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]
        {
            let workload = Workload::line(text, n);
            let (inputs, targets) = (workload.buffers(), workload.targets());
            let (alone, shared) = (outs(&targets), outs(&targets));
            let arguments = args(&workload, &inputs);
            let times = interleaved(vec![
                running(kernel(&workload, field.isa, 1)?.bind(&arguments[..], alone)?),
                running(kernel(&workload, field.isa, many)?.bind(&arguments[..], shared)?),
            ]);
            println!(
                "| `{text}` | {} | {} | {} | {} |",
                count(n),
                digits(times[0].median() * 1e6),
                digits(times[1].median() * 1e6),
                digits(times[1].ratio(&times[0])),
            );
        }
    }
    Ok(())
}

/// `Bound::run` over few elements, and arithmetic that waits for no memory, against loops in C of
/// two widths.
pub fn widths(field: &Field) -> Result<()> {
    println!("\n| program | n | hotloop, ns | C, 128-bit | C, native | to 128-bit | to native |");
    println!("|---|---|---|---|---|---|---|");
    for (id, n, narrow) in [
        ("W15", 16, "ratio_128"),
        ("W15", 64, "ratio_128"),
        ("W15", 1_000, "ratio_128"),
        ("W13", 10_000, "horner_128"),
    ] {
        let Some(workload) = Workload::all().into_iter().find(|w| w.id == id) else { continue };
        let workload = workload.resized(n);
        let (inputs, targets) = (workload.buffers(), workload.targets());
        let list = outs(&targets);
        let arguments = args(&workload, &inputs);
        let mut contenders: Vec<Contender<'_>> =
            vec![running(kernel(&workload, field.isa, 1)?.bind(&arguments[..], list)?)];
        for (peer, name) in field.plain.iter().flat_map(|p| [(p, narrow), (p, workload.peer)]) {
            contenders.push(looping(peer, (name, 1), &inputs, &targets, (n, &workload.extent)));
        }
        let times = interleaved(contenders);
        let time = |i: usize| times.get(i).map_or("-".to_string(), |t| digits(t.median() * 1e9));
        let ratio = |i: usize| times.get(i).map_or("-".to_string(), |t| digits(times[0].ratio(t)));
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            workload.name(),
            count(n),
            time(0),
            time(1),
            time(2),
            ratio(1),
            ratio(2),
        );
    }
    Ok(())
}

/// `Bound::rebind` to other arrays and `run`, over few elements, beside `run` alone.
pub fn rebinding(_: &Field) -> Result<()> {
    println!("\n| program | n | `run`, ns | `rebind` and `run`, ns | difference |");
    println!("|---|---|---|---|---|");
    for n in [64, 1_000] {
        let kernel = Engine::builder().threads(1).build().compile(AXPBY)?;
        let array = ArgType::array(DType::F64);
        let types: Vec<_> = kernel.inputs().map(|name| (name, array)).collect();
        let kernel = kernel.specialize(&types)?;
        let [a, b, c, d] = [1.0, 2.0, 3.0, 4.0].map(|value| vec![value; n]);
        let (one, two) = ([&a, &b], [&c, &d]);
        let (mut alone, mut y, mut z) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let bound = kernel.bind(one, [&mut alone])?;
        let mut idle = Some(kernel.bind(one, [&mut y])?.release());
        let mut turn = false;
        let other = move || {
            turn = !turn;
            let (inputs, out) = if turn { (two, &mut z) } else { (one, &mut y) };
            let bound = idle.take().map(|idle| idle.rebind(inputs, [out]));
            if let Some(Ok(mut bound)) = bound {
                assert!(black_box(bound.run()).is_ok());
                idle = Some(bound.release());
            }
        };
        let times = interleaved(vec![running(bound), Box::new(other)]);
        let [run, both] = [0, 1].map(|i| times[i].median() * 1e9);
        println!(
            "| `{AXPBY}` | {} | {} | {} | {} |",
            count(n),
            digits(run),
            digits(both),
            digits(both - run)
        );
    }
    Ok(())
}
