//! Layered graph layout: every edge goes down, one layer at a time.
//!
//! Sugiyama's method in its plain form: layers by longest paths, waypoints where an edge passes a
//! layer, orders by barycentres, then positions close to the neighbours that keep the order. Edges
//! of one source share their waypoints.

/// A graph to lay out. A node's edges come from earlier nodes only.
#[derive(Default)]
pub struct Layered {
    /// The width of each node.
    pub widths: Vec<f64>,
    /// Whether a node belongs to the last layer.
    pub last: Vec<bool>,
    /// The source and the target of each edge.
    pub edges: Vec<(usize, usize)>,
}

/// The result of layout.
pub struct Layout {
    /// The layer of each node, then of each waypoint.
    pub layer: Vec<usize>,
    /// The horizontal centre of each, from 0.
    pub x: Vec<f64>,
    /// The edges between neighbouring layers; each has the number of the source of the edge that
    /// it is part of.
    pub segments: Vec<(usize, usize)>,
    /// The total width.
    pub width: f64,
    /// The number of layers.
    pub layers: usize,
}

/// The width of a waypoint, and the space between two neighbours.
const WAYPOINT: f64 = 10.0;
const SPACE: f64 = 24.0;

/// Sweeps of ordering and of placing.
const SWEEPS: usize = 12;

impl Layered {
    /// Computes the layout.
    pub fn layout(&self) -> Layout {
        let mut layer = self.layers();
        let layers = layer.iter().max().map_or(0, |last| last + 1);
        let mut widths = self.widths.clone();
        let segments = self.segments(&mut layer, &mut widths);
        let mut order = vec![Vec::new(); layers];
        (0..layer.len()).for_each(|node| order[layer[node]].push(node));
        let neighbours = Neighbours::new(layer.len(), &segments);
        neighbours.order(&mut order);
        let x = neighbours.place(&order, &widths);
        let edge = |node: usize, side: f64| x[node] + side * widths[node] / 2.0;
        let left = (0..x.len()).map(|n| edge(n, -1.0)).fold(f64::INFINITY, f64::min);
        let right = (0..x.len()).map(|n| edge(n, 1.0)).fold(f64::NEG_INFINITY, f64::max);
        let width = if x.is_empty() { 0.0 } else { right - left };
        Layout { layer, x: x.iter().map(|x| x - left).collect(), segments, width, layers }
    }

    /// The layer of each node: below its predecessors, and close to its successors.
    fn layers(&self) -> Vec<usize> {
        let n = self.widths.len();
        let mut layer = vec![0usize; n];
        let (mut readers, mut reads) = (vec![Vec::new(); n], vec![0; n]);
        for (from, to) in &self.edges {
            readers[*from].push(*to);
            reads[*to] += 1;
        }
        for node in 0..n {
            for to in &readers[node] {
                layer[*to] = layer[*to].max(layer[node] + 1);
            }
        }
        let deepest = layer.iter().copied().max().unwrap_or(0);
        for (layer, last) in layer.iter_mut().zip(&self.last) {
            if *last {
                *layer = deepest;
            }
        }
        for node in (0..n).rev().filter(|node| !self.last[*node]) {
            let nearest = readers[node].iter().map(|to| layer[*to]).min();
            if let Some(nearest) = nearest
                && (1..=readers[node].len()).contains(&reads[node])
            {
                layer[node] = nearest.saturating_sub(1).max(layer[node]);
            }
        }
        layer
    }

    /// Splits edges into pieces between adjacent layers, with waypoints.
    fn segments(&self, layer: &mut Vec<usize>, widths: &mut Vec<f64>) -> Vec<(usize, usize)> {
        let mut trunks: Vec<Vec<usize>> = vec![Vec::new(); self.widths.len()];
        let mut segments = Vec::new();
        for (from, to) in &self.edges {
            let trunk = &mut trunks[*from];
            let passed = layer[*to].saturating_sub(layer[*from] + 1);
            while trunk.len() < passed {
                let before = trunk.last().copied().unwrap_or(*from);
                let waypoint = layer.len();
                layer.push(layer[*from] + trunk.len() + 1);
                widths.push(WAYPOINT);
                segments.push((before, waypoint));
                trunk.push(waypoint);
            }
            let before = if passed == 0 { *from } else { trunk[passed - 1] };
            segments.push((before, *to));
        }
        segments
    }
}

/// The neighbours of each node, above and below.
struct Neighbours {
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
}

impl Neighbours {
    fn new(n: usize, segments: &[(usize, usize)]) -> Neighbours {
        let (mut above, mut below) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (from, to) in segments {
            below[*from].push(*to);
            above[*to].push(*from);
        }
        Neighbours { above, below }
    }

    /// Orders each layer by sweeps, keeping the order with the fewest crossings.
    fn order(&self, order: &mut Vec<Vec<usize>>) {
        let mut best = (self.crossings(order), order.clone());
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let rows: Vec<usize> = if down {
                (1..order.len()).collect()
            } else {
                (0..order.len().saturating_sub(1)).rev().collect()
            };
            for row in rows {
                let other = if down { row - 1 } else { row + 1 };
                let at = positions(&order[other], self.above.len());
                let links = if down { &self.above } else { &self.below };
                let own = positions(&order[row], self.above.len());
                let key = |node: usize| mean(&links[node], |x| at[x]).unwrap_or(own[node]);
                order[row].sort_by(|a, b| key(*a).total_cmp(&key(*b)));
            }
            let crossings = self.crossings(order);
            if crossings < best.0 {
                best = (crossings, order.clone());
            }
        }
        *order = best.1;
    }

    fn crossings(&self, order: &[Vec<usize>]) -> usize {
        let mut count = 0;
        for pair in order.windows(2) {
            let at = positions(&pair[1], self.above.len());
            let mut ends: Vec<f64> = Vec::new();
            for node in &pair[0] {
                let before = ends.len();
                for to in &self.below[*node] {
                    count += ends[..before].iter().filter(|end| **end > at[*to]).count();
                    ends.push(at[*to]);
                }
            }
        }
        count
    }

    /// Positions that keep the order and the minimum distances, close to the neighbours.
    fn place(&self, order: &[Vec<usize>], widths: &[f64]) -> Vec<f64> {
        let mut x = vec![0.0; widths.len()];
        for row in order {
            let mut at = 0.0;
            for node in row {
                x[*node] = at + widths[*node] / 2.0;
                at += widths[*node] + SPACE;
            }
            row.iter().for_each(|node| x[*node] -= at / 2.0);
        }
        for sweep in 0..=2 * SWEEPS {
            let down = sweep % 2 == 0;
            for i in 0..order.len() {
                let row = &order[if down { i } else { order.len() - 1 - i }];
                let wanted = |node: usize| {
                    let (first, second) = match down {
                        true => (&self.above[node], &self.below[node]),
                        false => (&self.below[node], &self.above[node]),
                    };
                    mean(first, |n| x[n]).or_else(|| mean(second, |n| x[n])).unwrap_or(x[node])
                };
                let wanted: Vec<f64> = row.iter().map(|node| wanted(*node)).collect();
                let placed = spread(row, &wanted, widths);
                row.iter().zip(placed).for_each(|(node, at)| x[*node] = at);
            }
        }
        x
    }
}

/// The index of each node in its row.
fn positions(row: &[usize], n: usize) -> Vec<f64> {
    let mut at = vec![0.0; n];
    row.iter().enumerate().for_each(|(i, node)| at[*node] = i as f64);
    at
}

fn mean(nodes: &[usize], of: impl Fn(usize) -> f64) -> Option<f64> {
    let sum: f64 = nodes.iter().map(|node| of(*node)).sum();
    (!nodes.is_empty()).then(|| sum / nodes.len() as f64)
}

/// The positions nearest to the desired ones that keep the distances: neighbours that would be too
/// close move as a group, to the mean of their desired positions.
fn spread(row: &[usize], wanted: &[f64], widths: &[f64]) -> Vec<f64> {
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(row.len());
    // Sum of the desired positions, and count.
    let mut groups: Vec<(f64, f64)> = Vec::new();
    for (i, node) in row.iter().enumerate() {
        if i > 0 {
            offset += (widths[row[i - 1]] + widths[*node]) / 2.0 + SPACE;
        }
        offsets.push(offset);
        groups.push((wanted[i] - offset, 1.0));
        while let [.., (sum, count), (next, more)] = groups[..]
            && sum / count > next / more
        {
            groups.pop();
            groups.pop();
            groups.push((sum + next, count + more));
        }
    }
    let moved = groups.iter().flat_map(|(sum, n)| std::iter::repeat_n(sum / n, *n as usize));
    moved.zip(offsets).map(|(at, offset)| at + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layered(n: usize, last: &[usize], edges: &[(usize, usize)]) -> Layered {
        let is_last = (0..n).map(|node| last.contains(&node)).collect();
        Layered { widths: vec![40.0; n], last: is_last, edges: edges.to_vec() }
    }

    #[test]
    fn edges_go_down_and_nodes_do_not_overlap() {
        let graph = layered(7, &[6], &[(0, 2), (1, 3), (2, 4), (3, 4), (0, 5), (4, 5), (5, 6)]);
        let layout = graph.layout();
        assert_eq!(layout.layer[..7], [0, 0, 1, 1, 2, 3, 4]);
        for (from, to) in &layout.segments {
            assert_eq!(layout.layer[*from] + 1, layout.layer[*to]);
        }
        for a in 0..7 {
            for b in (a + 1..7).filter(|b| layout.layer[a] == layout.layer[*b]) {
                assert!((layout.x[a] - layout.x[b]).abs() >= 40.0 + SPACE - 1e-9);
            }
        }
        assert!(layout.x.iter().all(|x| (0.0..=layout.width).contains(x)));
    }

    #[test]
    fn crossings_go_where_they_can() {
        let crossed = layered(4, &[], &[(0, 3), (1, 2)]);
        let layout = crossed.layout();
        assert_eq!(layout.x[0] < layout.x[1], layout.x[3] < layout.x[2]);
    }

    #[test]
    fn a_group_moves_by_what_it_wants() {
        assert_eq!(spread(&[0, 1], &[0.0, 0.0], &[40.0, 40.0]), [-32.0, 32.0]);
        assert_eq!(spread(&[0, 1], &[0.0, 500.0], &[40.0, 40.0]), [0.0, 500.0]);
    }
}
