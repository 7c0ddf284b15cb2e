//! Texts that match a regular expression, made from its syntax tree.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::sql::TextPattern;

use crate::synth::choice::permutation::Permutation;
use crate::synth::choice::random;

mod node;

use node::{Node, Width};

/// Text that matches a pattern.
#[derive(Debug, Clone)]
pub(crate) struct Matching {
    key: u64,
    node: Node,
    /// How many different texts there are where every repetition has its greatest count; none where
    /// ordinals need not give different texts.
    count: Option<u64>,
    shuffle: Permutation,
}

/// How many characters a text may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

/// How much longer than it must be a repetition without an end is.
const USUAL_EXTRA: u32 = 8;

/// The greatest count by which repetitions grow for the sake of different texts.
const MOST_EXTRA: u32 = 64;

impl Matching {
    /// Texts of so many characters that match a pattern, `different` of them at least where ordinals
    /// must give different texts. None where the pattern is not understood or cannot be met.
    pub(crate) fn new(
        pattern: &TextPattern,
        key: u64,
        room: Room,
        different: Option<u64>,
    ) -> Option<Self> {
        let hir = parse(pattern)?;
        let fits = |node: &Node| {
            let Width { min, max } = node.width();
            min >= room.min && max <= room.max
        };
        let (node, count) = match different {
            None => (usual(&hir, fits)?, None),
            Some(wanted) => {
                let (node, count) = countable(&hir, fits, wanted)?;
                (node, Some(count))
            }
        };
        Some(Self {
            key,
            node,
            count,
            shuffle: Permutation::new(key, count.unwrap_or(0)),
        })
    }

    /// How many ordinals give different texts.
    pub(crate) fn capacity(&self) -> u64 {
        self.count.unwrap_or(0)
    }

    /// Writes the text of an ordinal.
    pub(crate) fn write(&self, ordinal: u64, out: &mut Vec<u8>) {
        match self.count {
            None => {
                let mut sequence = random::Sequence(random::bits(self.key, ordinal));
                self.node.write_random(&mut sequence, out);
            }
            // The bijection of all numbers, of which the text tells every one.
            Some(u64::MAX) => self
                .node
                .write_number(&mut random::bits(self.key, ordinal), out),
            Some(count) => {
                let place = self.shuffle.apply(ordinal.checked_rem(count).unwrap_or(0));
                self.node.write_number(&mut { place }, out);
            }
        }
    }
}

/// Texts of usual lengths, else of the shortest that fit.
fn usual(hir: &Hir, fits: impl Fn(&Node) -> bool) -> Option<Node> {
    let shorter = (0..=USUAL_EXTRA).rev().map(|extra| (0, extra));
    let longer = (1..=MOST_EXTRA).map(|extra| (extra, extra));
    let nodes = shorter
        .chain(longer)
        .filter_map(|(low, high)| Node::of_text(hir, low, high));
    nodes.into_iter().find(|node| fits(node))
}

/// The shortest texts of one length of which there are as many as wanted, else the most there are.
fn countable(hir: &Hir, fits: impl Fn(&Node) -> bool, wanted: u64) -> Option<(Node, u64)> {
    let fixed = (0..=MOST_EXTRA)
        .filter_map(|extra| Node::of_text(hir, extra, extra))
        .map(Node::fixed)
        .filter(fits);
    let mut best: Option<(Node, u64)> = None;
    for node in fixed {
        let count = node.count();
        if best.as_ref().is_none_or(|(_, most)| count > *most) {
            best = Some((node, count));
        }
        if count >= wanted {
            break;
        }
    }
    best
}

/// Tells whether texts are as patterns want them.
#[derive(Debug)]
pub(crate) struct Judge(Vec<(regex::Regex, bool)>);

impl Judge {
    /// By all patterns that are understood.
    pub(crate) fn new(patterns: &[TextPattern]) -> Self {
        let compiled = patterns.iter().filter_map(|pattern| {
            let regex = regex::RegexBuilder::new(&translated(&pattern.regex))
                .case_insensitive(pattern.insensitive)
                .dot_matches_new_line(true)
                .build();
            Some((regex.ok()?, !pattern.negated))
        });
        Self(compiled.collect())
    }

    /// Whether a text meets all patterns.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        let mut all = self.0.iter();
        all.all(|(regex, wanted)| regex.is_match(text) == *wanted)
    }
}

fn parse(pattern: &TextPattern) -> Option<Hir> {
    let mut parser = ParserBuilder::new()
        .case_insensitive(pattern.insensitive)
        .dot_matches_new_line(true)
        .build();
    parser.parse(&translated(&pattern.regex)).ok()
}

/// An expression of PostgreSQL's (documentation, 9.7.3) in the syntax of the crate `regex`, which is
/// the same but for some escapes and for brackets within brackets.
fn translated(regex: &str) -> String {
    let mut out = String::new();
    let mut characters = regex.chars().peekable();
    let mut in_class = false;
    let mut at_start = false;
    while let Some(character) = characters.next() {
        let first = std::mem::take(&mut at_start);
        match character {
            '\\' => {
                let escaped = characters.next().unwrap_or('\\');
                match escaped {
                    'y' if !in_class => out.push_str("\\b"),
                    'Y' if !in_class => out.push_str("\\B"),
                    'm' if !in_class => out.push_str("\\b{start}"),
                    'M' if !in_class => out.push_str("\\b{end}"),
                    'Z' if !in_class => out.push_str("\\z"),
                    other => out.extend(['\\', other]),
                }
            }
            '[' if !in_class => {
                in_class = true;
                at_start = true;
                out.push('[');
                if characters.peek() == Some(&'^') {
                    out.extend(characters.next());
                }
            }
            // A bracket within brackets is one of their characters, but for `[:alpha:]`.
            '[' if characters.peek() == Some(&':') => {
                out.push('[');
                while let Some(inner) = characters.next() {
                    out.push(inner);
                    if inner == ':' && characters.peek() == Some(&']') {
                        out.extend(characters.next());
                        break;
                    }
                }
            }
            '[' => out.push_str("\\["),
            ']' if in_class && first => out.push_str("\\]"),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests;
