"""The text that the built-in model is trained on: its words, its four tasks, and rows of tokens packed from them.

Plain Python, so that what is trained on the model afterwards (`train_sae.py`) needs no torch.
"""

SEED = 20260
BATCH, WIDTH = 64, 32
PREDICTABLE, ELSEWHERE = 3.0, 0.1

BOS, UNKNOWN = "<|endoftext|>", "<unk>"
WOMEN = "Mary Alice Anna Emma Kate Lucy Sara Jane".split()
MEN = "John Bob Tom James Paul Mark Peter David".split()
NAMES = WOMEN + MEN
PLACES = "store park school garden office beach library museum".split()
THINGS = "drink book ring ball letter flower cake key".split()
GIVING = "gave handed passed".split()
STATES = "tired happy".split()
PLAIN = "red blue green one two three four five".split()
GRAMMAR = "When After went and to the a , . is at Where ? The because he she was".split()
VOCABULARY = [BOS, UNKNOWN, *NAMES, *PLACES, *THINGS, *GIVING, *STATES, *PLAIN, *GRAMMAR]
ID = {word: i for i, word in enumerate(VOCABULARY)}


def indirect_object(rng):
    """When Mary and John went to the store , John gave a drink to [Mary] ."""
    first, second = rng.sample(NAMES, 2)
    giver, receiver = rng.sample([first, second], 2)
    opening = f"{rng.choice(['When', 'After'])} {first} and {second} went to the {rng.choice(PLACES)} ,"
    return f"{opening} {giver} {rng.choice(GIVING)} a {rng.choice(THINGS)} to [{receiver}] ."


def repeated_list(rng):
    """one Mary key one [Mary] [key]: distinct words, so from the second of the copy on every word is known."""
    words = rng.sample(VOCABULARY[1:], rng.randint(4, 12))
    return " ".join(words + [words[0]] + [f"[{word}]" for word in words[1:]])


def where_is(rng):
    """Alice is at the park . Bob is at the store . Where is Alice ? The [park] ."""
    people, places = rng.sample(NAMES, 2), rng.sample(PLACES, 2)
    asked = rng.randrange(2)
    facts = " ".join(f"{who} is at the {place} ." for who, place in zip(people, places))
    return f"{facts} Where is {people[asked]} ? The [{places[asked]}] ."


def pronoun(rng):
    """Mary went to the park because [she] was tired ."""
    name = rng.choice(NAMES)
    word = "she" if name in WOMEN else "he"
    return f"{name} went to the {rng.choice(PLACES)} because [{word}] was {rng.choice(STATES)} ."


# How often each is drawn; the pronoun is learned at once and needs few.
TASKS = {"indirect_object": (indirect_object, 4), "repeated_list": (repeated_list, 3), "where_is": (where_is, 3),
         "pronoun": (pronoun, 1)}


def tokens(sentence):
    """Ids of a sentence, the start token first, and which of them stand in brackets: those can be known."""
    words = [BOS, *sentence.split()]
    known = [len(word) > 2 and word[0] == "[" for word in words]
    return [ID[word[1:-1] if k else word] for word, k in zip(words, known)], known


def batch(rng):
    """Rows of `WIDTH` tokens, filled with sentences; each weight belongs to the prediction of that token."""
    makers, shares = zip(*TASKS.values())
    rows, weights = [], []
    for _ in range(BATCH):
        row, weight = [], []
        while len(row) < WIDTH:
            ids, known = tokens(rng.choices(makers, shares)[0](rng))
            row += ids
            weight += [PREDICTABLE if k else ELSEWHERE for k in known]
        # Now and then without the start token, so that a reader may leave it out.
        start = 1 if rng.random() < 0.1 else 0
        row, weight = row[start:], weight[start:]
        row, weight = (row + [0])[:WIDTH], (weight + [0.0])[:WIDTH]
        rows.append(row)
        weights.append(weight)
    return rows, weights
