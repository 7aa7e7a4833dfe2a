//! In what a boarding pass and a card differ. The names are an interface: they stand in statements.

macro_rules! differences {
    ($($variant:ident = $name:literal, $refuses:literal, $zh:literal, $en:literal;)*) => {
        /// One difference, by its stable name (`docs/REASONS.md`).
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Difference {
            $(#[doc = $en] $variant,)*
        }

        impl Difference {
            /// Every difference, in the order of statements: what refuses comes first.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in a statement.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether it means another person, flight or day; the others are for an officer to look at.
            pub const fn refuses(self) -> bool {
                match self {
                    $(Self::$variant => $refuses,)*
                }
            }

            /// For people, in Chinese.
            pub const fn zh_cn(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)*
                }
            }

            /// For people, in English.
            pub const fn en(self) -> &'static str {
                match self {
                    $(Self::$variant => $en,)*
                }
            }
        }
    };
}

differences! {
    OtherName = "other_name", true,
        "登机牌上是另一个人的姓名。",
        "The name on the pass is another's.";
    OtherFlight = "other_flight", true,
        "登机牌上没有此登机口的航班。",
        "The pass is not for the flight of this gate.";
    OtherDate = "other_date", true,
        "登机牌不是今天（或此航班当天）的。",
        "The pass is not for today, or not for the day of this flight.";
    NameNotDisclosed = "name_not_disclosed", false,
        "证件没有出示姓名。",
        "The card disclosed no name.";
    NameNotComparable = "name_not_comparable", false,
        "证件上的姓名含有无法转写的字母。",
        "The name on the card holds letters that cannot be spelled in Latin here.";
    GivenNameNotDisclosed = "given_name_not_disclosed", false,
        "证件只出示了姓，没有出示名。",
        "The card disclosed the family name only.";
    NameTruncated = "name_truncated", false,
        "登机牌的姓名栏写满后被截断，已有部分一致。",
        "The name on the pass is cut where its place ends; as far as it goes it agrees.";
    OnlyInitials = "only_initials", false,
        "登机牌上的名只有首字母。",
        "The pass has initials instead of given names.";
    GivenNameMissing = "given_name_missing", false,
        "登机牌上只有姓，没有名。",
        "The pass has no given name.";
    GivenNamesLeftOut = "given_names_left_out", false,
        "登机牌上少写了部分名字。",
        "The pass leaves out some of several given names.";
    TitleAmbiguous = "title_ambiguous", false,
        "登机牌姓名末尾的字母可能是称谓，也可能是名字的一部分。",
        "The last letters of the name on the pass may be a title or a part of the name.";
    AlternativeTransliteration = "alternative_transliteration", false,
        "同一个音或字母的另一种拼写（如 LYU 写作 LV，Ä 写作 A）。",
        "The same letter is spelled in another way, such as LV for LYU or A for Ä.";
    AlternativeReading = "alternative_reading", false,
        "多音字按另一个读音拼写。",
        "A Chinese character is spelled by another of its readings.";
    NamesSwapped = "names_swapped", false,
        "登机牌上姓和名的位置颠倒。",
        "Family name and given name stand in each other's place.";
    NameNotSeparated = "name_not_separated", false,
        "登机牌上姓和名之间没有斜线。",
        "No slash stands between family name and given name.";
    FlightNotNamed = "flight_not_named", false,
        "登机牌上没有航班号。",
        "The pass names no flight number.";
    DateNotNamed = "date_not_named", false,
        "登机牌上没有日期。",
        "The pass names no day.";
    OtherSeat = "other_seat", false,
        "座位与登机口所知的不同。",
        "The seat is not the one that the gate expects.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_difference_as_it_is() {
        let page = include_str!("../../../docs/REASONS.md");
        for difference in Difference::ALL {
            let result = if difference.refuses() { "mismatch" } else { "partial" };
            let (name, en, zh) = (difference.name(), difference.en(), difference.zh_cn());
            let line = format!("| `{name}` | {result} | {en} | {zh} |");
            assert!(page.lines().any(|own| own == line), "docs/REASONS.md lacks: {line}");
        }
    }
}
