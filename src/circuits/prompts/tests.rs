//! Prompt sets against a word-level vocabulary.

use super::*;

/// Whole words and single punctuation marks, as the built-in model's tokenizer sees text.
fn encode(text: &str) -> Vec<u32> {
    let spaced = text.replace(',', " ,").replace('.', " .");
    spaced
        .split_whitespace()
        .map(|word| word.bytes().fold(7, |h, b| h * 31 % 65_521 + u32::from(b)))
        .collect()
}

fn any_word(word: &str) -> Option<u32> {
    match encode(word).as_slice() {
        [id] => Some(*id),
        _ => None,
    }
}

fn text(prompt: &Prompt) -> &str {
    match &prompt.content {
        Content::Text { text, .. } => text,
        Content::Ids { .. } => panic!("not text"),
    }
}

#[test]
fn the_indirect_object_is_the_name_that_comes_once() {
    let prompts = generate(Task::IndirectObject, 128, 4, any_word).unwrap();
    assert_eq!(prompts.len(), 128);
    let texts: HashSet<&str> = prompts.iter().map(text).collect();
    assert_eq!(texts.len(), 128, "all different");
    let mut first = 0;
    for prompt in &prompts {
        let located = prompt.locate(encode, &[1]).unwrap();
        let count = |id| located.ids.iter().filter(|&&x| x == id).count();
        assert_eq!((count(prompt.answers[0]), count(prompt.wrong[0])), (1, 2), "{}", text(prompt));
        assert_eq!(located.ids[located.src.unwrap()], prompt.answers[0]);
        assert_eq!(located.dest, located.ids.len() - 1);
        first += usize::from(located.src < located.ids.iter().position(|&x| x == prompt.wrong[0]));
    }
    assert!((40..90).contains(&first), "both orders come up: {first}");
    let again = generate(Task::IndirectObject, 128, 4, any_word).unwrap();
    assert_eq!(prompts, again);
    assert_ne!(prompts, generate(Task::IndirectObject, 128, 5, any_word).unwrap());
}

#[test]
fn a_small_vocabulary_gets_only_its_own_words() {
    let vocabulary =
        "When After went and to the a she he gave because Mary John Bob Kate store park key ball";
    let known = |word: &str| {
        vocabulary.split(' ').any(|w| w == word.trim()).then(|| any_word(word)).flatten()
    };
    for task in [Task::IndirectObject, Task::Pronoun] {
        for prompt in generate(task, 8, 1, known).unwrap() {
            for word in text(&prompt).split_whitespace() {
                assert!(known(word.trim_matches(',')).is_some(), "{word} in {}", text(&prompt));
            }
        }
    }
    let error = generate(Task::Pronoun, 100, 1, known).unwrap_err();
    assert!(error.to_string().contains("8 found, 100 needed"), "{error}");
    assert!(generate(Task::GreaterThan, 1, 1, known).is_err());
    assert!(generate(Task::IndirectObject, 1, 1, |_| None).is_err());
}

#[test]
fn pronouns_follow_the_name() {
    let [she, he] = ["she", "he"].map(|word| any_word(word).unwrap());
    for prompt in generate(Task::Pronoun, 20, 2, any_word).unwrap() {
        let expected = if ["Mary", "Alice", "Jane"].iter().any(|n| text(&prompt).contains(n)) {
            she
        } else if ["John", "Bob", "Paul"].iter().any(|n| text(&prompt).contains(n)) {
            he
        } else {
            continue;
        };
        assert_eq!(prompt.answers, [expected]);
        assert!(prompt.locate(encode, &[]).unwrap().src.is_some());
    }
}

#[test]
fn greater_than_finds_the_two_last_digits_of_the_first_year() {
    // Years split in two, as GPT-2 does: " 17" "32".
    let digits = |word: &str| -> Option<u32> {
        let trimmed = word.trim();
        match (word.len() - trimmed.len(), trimmed.len(), trimmed.parse::<u32>()) {
            (1, 2, Ok(century)) => Some(1000 + century),
            (0, 2, Ok(year)) => Some(year),
            (1, 4, Ok(_)) => None,
            _ => any_word(word),
        }
    };
    let split = |text: &str| -> Vec<u32> {
        let words = text.split_whitespace();
        words
            .flat_map(|word| match (word.len(), word.parse::<u32>()) {
                (4, Ok(year)) => vec![1000 + year / 100, year % 100],
                (2, Ok(century)) => vec![1000 + century],
                _ => encode(word),
            })
            .collect()
    };
    for prompt in generate(Task::GreaterThan, 30, 3, digits).unwrap() {
        let located = prompt.locate(split, &[]).unwrap();
        let year = located.ids[located.src.unwrap()];
        assert!(year < 100 && !prompt.answers.is_empty() && !prompt.wrong.is_empty());
        assert!(
            prompt.answers.iter().all(|&y| y > year) && prompt.wrong.iter().all(|&y| y <= year)
        );
    }
}

#[test]
fn a_repeated_list_ends_one_before_its_answer() {
    let ids: Vec<u32> = (10..40).collect();
    for prompt in repeated_tokens(5, 6, &ids, 9).unwrap() {
        let located = prompt.locate(encode, &[0]).unwrap();
        assert_eq!(located.ids.len(), 12);
        assert_eq!(located.ids[1..6], located.ids[7..12]);
        assert_eq!(located.ids[located.src.unwrap()], prompt.answers[0]);
        assert_eq!(located.ids[located.src.unwrap() - 1], located.ids[located.dest]);
    }
    assert!(repeated_tokens(1, 31, &ids, 9).is_err() && repeated_tokens(1, 1, &ids, 9).is_err());
}

#[test]
fn own_prompts_may_mark_source_answer_and_mistake() {
    let list = "When [[Mary]] and John met, John spoke to => Mary | John\n\n  Hello there \n";
    let prompts = own_list(list, any_word);
    assert_eq!(prompts.len(), 2);
    let located = prompts[0].locate(encode, &[]).unwrap();
    assert_eq!(located.src, Some(1));
    assert_eq!(prompts[0].answers, encode("Mary"));
    assert_eq!(prompts[0].wrong, encode("John"));
    assert_eq!(text(&prompts[1]), "Hello there");
    assert_eq!(prompts[1].locate(encode, &[]).unwrap().src, None);
    assert!(prompts[1].answers.is_empty());
}

#[test]
fn an_answer_is_right_when_it_beats_the_mistake() {
    let ask = |answers: &[u32], wrong: &[u32]| {
        let content = Content::Ids { ids: vec![0], source: None };
        let prompt = Prompt { content, answers: answers.to_vec(), wrong: wrong.to_vec() };
        prompt.score(&[1.0, 3.0, 2.0, 0.0])
    };
    let right = ask(&[2], &[0, 3]).unwrap();
    assert!(right.correct && (right.margin - 1.0).abs() < 1e-12);
    let sum: f64 = [1.0_f64, 3.0, 2.0, 0.0].iter().map(|l| l.exp()).sum();
    assert!((right.probability - 2.0_f64.exp() / sum).abs() < 1e-12);
    assert!(!ask(&[2], &[]).unwrap().correct, "token 1 is likelier");
    assert!(ask(&[], &[]).is_none() && ask(&[9], &[]).is_none());
}
