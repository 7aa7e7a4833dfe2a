//! The pinyin of a Chinese name, character by character.
//!
//! Some characters are read differently in a family name than elsewhere, and some family names have two characters. A
//! given name may use any reading of a character; the most common one is taken as usual.

use pinyin::ToPinyinMulti;
use serde_json::{Map, Value};

use crate::{
    base::limits::BOARDING_NAME_CHARACTERS,
    verification::boarding::{
        given::Given,
        name::Names,
        spelling::{Spelling, Unit},
    },
};

/// Family names of two characters, with the readings that a dictionary of characters gets wrong among them.
const COMPOUND: &[(&str, &str)] = &[
    ("欧阳", "OU YANG"),
    ("歐陽", "OU YANG"),
    ("司马", "SI MA"),
    ("上官", "SHANG GUAN"),
    ("诸葛", "ZHU GE"),
    ("諸葛", "ZHU GE"),
    ("夏侯", "XIA HOU"),
    ("东方", "DONG FANG"),
    ("皇甫", "HUANG FU"),
    ("尉迟", "YU CHI"),
    ("公孙", "GONG SUN"),
    ("公羊", "GONG YANG"),
    ("公冶", "GONG YE"),
    ("慕容", "MU RONG"),
    ("令狐", "LING HU"),
    ("长孙", "ZHANG SUN"),
    ("宇文", "YU WEN"),
    ("司徒", "SI TU"),
    ("司空", "SI KONG"),
    ("司寇", "SI KOU"),
    ("端木", "DUAN MU"),
    ("轩辕", "XUAN YUAN"),
    ("百里", "BAI LI"),
    ("呼延", "HU YAN"),
    ("南宫", "NAN GONG"),
    ("西门", "XI MEN"),
    ("独孤", "DU GU"),
    ("淳于", "CHUN YU"),
    ("单于", "CHAN YU"),
    ("澹台", "TAN TAI"),
    ("万俟", "MO QI"),
    ("申屠", "SHEN TU"),
    ("赫连", "HE LIAN"),
    ("闻人", "WEN REN"),
    ("濮阳", "PU YANG"),
    ("太史", "TAI SHI"),
    ("钟离", "ZHONG LI"),
    ("宗政", "ZONG ZHENG"),
    ("鲜于", "XIAN YU"),
    ("闾丘", "LYU QIU"),
    ("亓官", "QI GUAN"),
    ("仲孙", "ZHONG SUN"),
    ("拓跋", "TUO BA"),
    ("完颜", "WAN YAN"),
    ("梁丘", "LIANG QIU"),
    ("左丘", "ZUO QIU"),
    ("第五", "DI WU"),
    ("纳兰", "NA LAN"),
    ("叶赫", "YE HE"),
];

/// Family names of one character that are read otherwise than the character usually is.
const SINGLE: &[(char, &[&str])] = &[
    ('单', &["SHAN"]),
    ('單', &["SHAN"]),
    ('曾', &["ZENG"]),
    ('仇', &["QIU"]),
    ('解', &["XIE"]),
    ('查', &["ZHA"]),
    ('区', &["OU"]),
    ('區', &["OU"]),
    ('朴', &["PIAO", "PU"]),
    ('任', &["REN"]),
    ('华', &["HUA"]),
    ('華', &["HUA"]),
    ('盖', &["GE", "GAI"]),
    ('尉', &["WEI", "YU"]),
    ('召', &["SHAO"]),
    ('折', &["SHE"]),
    ('缪', &["MIAO"]),
    ('繆', &["MIAO"]),
    ('宓', &["MI", "FU"]),
    ('员', &["YUN"]),
    ('黑', &["HE"]),
    ('翟', &["ZHAI", "DI"]),
    ('秘', &["BI"]),
    ('冼', &["XIAN"]),
    ('洗', &["XIAN"]),
    ('乐', &["YUE", "LE"]),
    ('樂', &["YUE", "LE"]),
    ('种', &["CHONG"]),
    ('繁', &["PO"]),
    ('祭', &["ZHAI"]),
    ('那', &["NA"]),
    ('葛', &["GE"]),
    ('宁', &["NING"]),
    ('甯', &["NING"]),
    ('卜', &["BU"]),
    ('柏', &["BAI", "BO"]),
    ('隗', &["WEI", "KUI"]),
    ('覃', &["QIN", "TAN"]),
    ('郗', &["XI", "CHI"]),
    ('能', &["NAI"]),
    ('纪', &["JI"]),
    ('哈', &["HA"]),
    ('宿', &["SU"]),
    ('阚', &["KAN"]),
    ('钭', &["TOU"]),
    ('句', &["GOU"]),
    ('莘', &["SHEN", "XIN"]),
    ('燕', &["YAN"]),
    ('应', &["YING"]),
    ('應', &["YING"]),
    ('过', &["GUO"]),
    ('晁', &["CHAO"]),
    ('薄', &["BO"]),
    ('殷', &["YIN"]),
    ('石', &["SHI"]),
    ('车', &["CHE"]),
    ('車', &["CHE"]),
    ('恽', &["YUN"]),
    ('佴', &["NAI"]),
    ('都', &["DU"]),
    ('盛', &["SHENG"]),
    ('沈', &["SHEN"]),
    ('贾', &["JIA"]),
    ('賈', &["JIA"]),
    ('藏', &["ZANG"]),
    ('臧', &["ZANG"]),
    ('晟', &["CHENG"]),
    ('乜', &["NIE"]),
    ('幺', &["YAO"]),
    ('撒', &["SA"]),
    ('尹', &["YIN"]),
    ('郇', &["XUN", "HUAN"]),
    ('呙', &["GUO"]),
    ('逄', &["PANG"]),
    ('逯', &["LU"]),
    ('俞', &["YU"]),
    ('曲', &["QU"]),
    ('牟', &["MOU", "MU"]),
    ('谌', &["CHEN", "SHEN"]),
    ('纥', &["GE"]),
    ('相', &["XIANG"]),
    ('粘', &["NIAN"]),
    ('干', &["GAN"]),
    ('适', &["KUO"]),
    ('参', &["SHEN"]),
    ('酆', &["FENG"]),
    ('褚', &["CHU"]),
    ('卓', &["ZHUO"]),
    ('邵', &["SHAO"]),
    ('蔚', &["YU", "WEI"]),
    ('祝', &["ZHU"]),
    ('强', &["QIANG"]),
    ('行', &["XING"]),
];

/// The names of a card in Chinese; none when none was disclosed, or there are characters without a reading.
pub fn names(claims: &Map<String, Value>) -> Option<Names> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(cleaned).filter(|text| !text.is_empty());
    let (family, given) = match (text("family_name"), text("given_name"), text("name")) {
        (Some(family), given, None) => (family, given),
        (Some(family), given, Some(name)) => {
            let rest = name.strip_prefix(&family).filter(|rest| !rest.is_empty()).map(str::to_owned);
            (family, given.or(rest))
        }
        (None, given, Some(name)) => divided(&name, given.as_deref()),
        (None, _, None) => return None,
    };
    let family = Spelling { words: vec![family_units(&family)?], syllables: true };
    let given = match given {
        Some(given) => {
            Given::Known(Spelling { words: vec![given.chars().map(reading).collect::<Option<_>>()?], syllables: true })
        }
        None => Given::NotDisclosed,
    };
    Some(Names { family, given })
}

/// Without spaces and the dots that separate the parts of longer names.
fn cleaned(text: &str) -> String {
    text.chars().take(BOARDING_NAME_CHARACTERS).filter(|c| !c.is_whitespace() && !"·•・.".contains(*c)).collect()
}

/// Family name and given name of a whole name.
fn divided(name: &str, given: Option<&str>) -> (String, Option<String>) {
    if let Some(family) = given.and_then(|given| name.strip_suffix(given)).filter(|family| !family.is_empty()) {
        return (family.to_owned(), given.map(str::to_owned));
    }
    let compound = COMPOUND.iter().map(|(family, _)| *family).find(|family| name.starts_with(family) && name != *family);
    let first = name.chars().next().map_or(0, char::len_utf8);
    let (family, given) = name.split_at(compound.map_or(first, str::len));
    (family.to_owned(), Some(given.to_owned()).filter(|given| !given.is_empty()))
}

fn family_units(family: &str) -> Option<Vec<Unit>> {
    if let Some((_, pinyin)) = COMPOUND.iter().find(|(name, _)| *name == family) {
        let units = family.chars().zip(pinyin.split(' ')).map(|(character, usual)| special(character, &[usual]));
        return units.collect();
    }
    let mut characters = family.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => match SINGLE.iter().find(|(character, _)| *character == only) {
            Some((_, usual)) => Some(vec![special(only, usual)?]),
            None => Some(vec![reading(only)?]),
        },
        _ => family.chars().map(reading).collect(),
    }
}

/// A character whose usual readings are known here; its others are met where someone did not know better.
fn special(character: char, usual: &[&str]) -> Option<Unit> {
    let all = reading(character)?;
    let usual: Vec<String> = usual.iter().map(|&reading| reading.to_owned()).collect();
    let readings = all.usual.into_iter().chain(all.other).chain(all.readings);
    let readings = readings.filter(|reading| !usual.contains(reading)).collect();
    Some(Unit { usual, other: Vec::new(), readings })
}

/// The most common reading of a character as usual, every other one, and the other spellings of Ü.
fn reading(character: char) -> Option<Unit> {
    let mut readings = character.to_pinyin_multi()?.into_iter().map(|reading| spellings(reading.plain()));
    let [usual, other @ ..] = readings.next()?;
    let readings = readings.flatten().filter(|spelling| *spelling != usual).collect();
    Some(Unit { other: other.into_iter().filter(|spelling| *spelling != usual).collect(), usual: vec![usual], readings })
}

/// The letters of a reading: Ü is YU after L and N in passports since 2012, V or U elsewhere and before.
fn spellings(plain: &str) -> [String; 3] {
    ["YU", "V", "U"].map(|letters| {
        let spelled = plain.replace('ü', letters).replace('ê', "E");
        spelled.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect()
    })
}
