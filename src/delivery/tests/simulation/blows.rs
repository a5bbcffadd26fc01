//! What befalls a worker next, and where.

use loa_store::simulation::Disk;

use crate::{
    dice::Dice,
    kernel::{Aim, Blow},
};

/// Half of the blows fall at one of these: around a request and its commits.
const PLACES: [&str; 8] = [
    "before the gate",
    "before the gate",
    "on the wire",
    "after answer",
    "after answer",
    "after commit",
    "before commit",
    "before lease",
];

/// The next blow of a worker; nothing when it is the disk's, in the middle of one of the next writes.
pub(crate) fn next(dice: &Dice, disk: &Disk) -> Option<Aim> {
    let name = dice.chance(50).then(|| dice.pick(&PLACES));
    let left = if name.is_some() { dice.below(8) } else { dice.below(250) };
    let blow = match dice.below(10) {
        0..=3 => Blow::Crash,
        4..=6 => Blow::Freeze(match (name, dice.below(10)) {
            // Longer than a request may wait for its first byte, shorter than the account's lease.
            (Some("before the gate"), 0..=5) => dice.secs(20..=28),
            // Long enough for another worker to take over.
            (Some("on the wire" | "after answer"), 0..=5) => dice.secs(31..=200),
            (_, 0..=2) => dice.secs(3..=30),
            (_, 3..=5) => dice.secs(30..=120),
            (_, 6 | 7) => dice.secs(45..=900),
            _ => dice.secs(900..=5000),
        }),
        7 => Blow::House,
        _ => {
            disk.lose_power_at(disk.operations() + dice.below(60));
            return None;
        }
    };
    Some(Aim { left, name, blow })
}
