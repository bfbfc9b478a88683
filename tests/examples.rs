//! The examples, run, and the data that one of them makes.

#[path = "../examples/make_trades.rs"]
mod make_trades;
#[path = "../examples/moving_average.rs"]
mod moving_average;

#[test]
fn the_averages_are_those_that_the_example_asserts() {
    moving_average::main().unwrap();
}

#[test]
fn the_trades_are_those_of_the_example() {
    let stored = include_str!("../examples/data/trades.csv");
    let trades = make_trades::trades();
    for (row, (got, want)) in trades.lines().zip(stored.lines()).enumerate() {
        assert_eq!(got, want, "line {}", row + 1);
    }
    assert_eq!(trades.len(), stored.len());
}
