//! Prints the trades of `examples/data/trades.csv`:
//! `cargo run --example make_trades > examples/data/trades.csv`.
//!
//! Three symbols move at random, and are quoted and traded at random times. Most amounts are small;
//! now and then a large payment follows a small one within a minute, which is what `risk.hl` finds.

use std::fmt::Write;

/// The number of trades.
const TRADES: usize = 2000;

/// The symbols, and their prices at the opening in cents.
const SYMBOLS: [(&str, i64); 3] = [("ARB", 18_740), ("KIN", 5_215), ("OSL", 40_980)];

/// A generator of random numbers: xorshift of 64 bits (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper bits are the better ones.
        (self.0 >> 32) % end
    }
}

/// The table, with a header: seconds since midnight, symbol, bid and ask in currency, amount.
pub fn trades() -> String {
    let mut random = Random(20_261_130);
    let mut prices = SYMBOLS.map(|(_, cents)| cents);
    // Milliseconds since midnight.
    let mut time = 34_200_000;
    let mut payment = false;
    let mut symbol = 0;
    let mut table = "time,symbol,bid,ask,amount\n".to_string();
    for _ in 0..TRADES {
        time += 20 + random.below(1500);
        if !payment {
            symbol = random.below(3) as usize;
        }
        prices[symbol] += random.below(9) as i64 - 4;
        let bid = prices[symbol];
        let ask = bid + 1 + random.below(4) as i64;
        let amount = match payment {
            true => 900_000 + random.below(200_000),
            false => 10_000 + random.below(50_000),
        };
        // A test payment of at most one unit of currency, sometimes.
        let test = !payment && random.below(150) == 0;
        let amount = if test { 1 + random.below(100) } else { amount };
        payment = test;
        let seconds = format!("{}.{:03}", time / 1000, time % 1000);
        let money = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let (name, _) = SYMBOLS[symbol];
        let (bid, ask, amount) = (money(bid), money(ask), money(amount as i64));
        writeln!(table, "{seconds},{name},{bid},{ask},{amount}").expect("a string grows");
    }
    table
}

#[allow(dead_code, reason = "a test uses the table only")]
fn main() {
    print!("{}", trades());
}
