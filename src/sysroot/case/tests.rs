use super::*;

#[test]
fn f13_f14_every_spelling_of_a_character_folds_to_the_same() {
    for one in '\0'..=char::MAX {
        let spellings: [String; 4] = [
            one.to_lowercase().collect(),
            one.to_uppercase().collect(),
            one.nfd().collect(),
            one.nfc().collect(),
        ];
        if spellings.iter().all(|spelling| spelling.chars().eq([one])) {
            continue;
        }
        let folded = fold(&one.to_string());
        assert_eq!(fold(&folded), folded, "{one:?}");
        for spelling in spellings {
            assert_eq!(fold(&spelling), folded, "{one:?} {spelling:?}");
        }
    }
}

#[test]
fn the_same_path_keeps_its_place() {
    let mut places = Places::default();
    assert_eq!(places.assign("usr"), None);
    assert_eq!(places.assign("usr/A"), None);
    let aside = Some(".case/1/usr/a".to_owned());
    assert_eq!(places.assign("usr/a"), aside);
    assert_eq!(places.assign("usr/a"), aside);
    assert_eq!(places.assign("usr/A"), None);
}

#[test]
fn a_package_may_own_the_name_of_the_place_aside() {
    let mut places = Places::default();
    assert_eq!(places.assign(".case/1/A"), None);
    assert_eq!(places.assign("A"), None);
    assert_eq!(places.assign("a").as_deref(), Some(".case/2/a"));
}

#[test]
fn links_are_retargeted_only_when_something_moved() {
    let mut places = Places::default();
    for path in ["usr", "usr/A", "usr/a", "usr/sub", "usr/sub/link"] {
        places.assign(path);
    }
    assert_eq!(places.retarget("usr/sub/link", "../A"), "../A");
    assert_eq!(places.retarget("usr/sub/link", "../a"), "../../.case/1/usr/a");
    assert_eq!(places.retarget("usr/a", "./sub"), "../../../usr/sub");
    assert_eq!(places.retarget("usr/sub/link", "../../.."), "../../..");
}

#[test]
fn an_overlay_of_nothing_is_still_a_document() {
    assert!(overlay("/opt/sysroot", []).ends_with("'roots': [\n  ]\n}\n"));
}
