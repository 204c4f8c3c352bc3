"""Write small files of made-up reviews as people have them: tables, text files, folders, data sets."""

import gzip
from pathlib import Path

BLAME = [
    "A dull and awful experience from start to finish",
    "The worst I have ever had and a complete waste of money",
    "Terrible and boring with nothing that works",
    "I hated every minute of it at the café",
    "So bad that I wanted to leave at once",
    "Poorly made and very disappointing",
]
PRAISE = [
    "A wonderful and lovely experience from start to finish",
    "The best I have ever had and worth every penny",
    "Excellent and beautiful with a great heart",
    "I loved every minute of it at the café",
    "So good that I want to come back at once",
    "Superbly made and simply perfect",
]
MIDDLING = ["It is there", "It was on Tuesday", "We took the second one"]
EACH = len(BLAME)
"""How many reviews of each class a file has."""


def sheet(header, row, labels=("0", "1"), middle=None, end="\n"):
    """Return a header and a line for each review, as the pattern `row` with `n`, `text` and `label` says.

    A label such as `1|2` is one of several that take turns; `middle` is the label of three more reviews.
    """
    lines = [header] if header else []
    reviews = list(labelled_reviews(*labels))
    reviews += [(text, middle) for text in MIDDLING if middle is not None]
    lines += [row.format(n=n, text=text, label=label) for n, (text, label) in enumerate(reviews, start=1)]
    return "".join(line + end for line in lines)


def labelled_reviews(negative, positive):
    """Yield texts with their labels, of both classes by turns."""
    for n, texts in enumerate(zip(BLAME, PRAISE, strict=True)):
        for text, label in zip(texts, (negative, positive), strict=True):
            kinds = label.split("|") if isinstance(label, str) else [label]
            yield text, kinds[n % len(kinds)]


def write(path: Path, content) -> None:
    """Write a file: text as UTF-8, bytes as they are, a folder from a dict, or whatever a function writes."""
    if callable(content):
        content(path)
        return
    if isinstance(content, dict):
        for name, part in content.items():
            write(path / name, part)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def packed(content: str) -> bytes:
    """Return a text packed with gzip."""
    return gzip.compress(content.encode())


def class_folders(*prefixes, negative="neg", positive="pos", name="cv{n:03}_297{n}.txt"):
    """Return a folder with a text file for each review in the folder of its class."""
    return {
        f"{prefix}{folder}/{name.format(n=n)}": text
        for prefix in prefixes
        for folder, texts in ((negative, BLAME), (positive, PRAISE))
        for n, text in enumerate(texts)
    }


def parquet(labels=(0, 1), names=None, columns=("text", "label")):
    """Return a function that writes a parquet file; `names` are the classes it declares."""

    def save(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset(labels, names, columns).to_parquet(path)

    return save


def arrow_file(path):
    """Write an arrow file as pyarrow does."""
    import pyarrow

    texts, labels = zip(*labelled_reviews(0, 1), strict=True)
    table = pyarrow.table({"sentence": texts, "label": labels})
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def saved_dataset(path):
    """Write a folder as `save_to_disk` does for one data set."""
    dataset((0, 1), ["neg", "pos"]).save_to_disk(path)


def saved_splits(path):
    """Write a folder as `save_to_disk` does for several splits."""
    import datasets

    whole = dataset((0, 1), ["neg", "pos"])
    datasets.DatasetDict(train=whole, validation=whole, test=whole).save_to_disk(path)


def workbook(labels, middle=None):
    """Return a function that writes an Excel file with ids, a column of remarks and one of labels."""

    def save(path):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.append(["Id", "Review", "Rating"])
        reviews = [*labelled_reviews(*labels), *((text, middle) for text in MIDDLING if middle is not None)]
        for n, (text, label) in enumerate(reviews, start=1):
            book.active.append([f"{n:04}", text, label])
        book.save(path)

    return save


def dataset(labels, names=None, columns=("text", "label")):
    """Return the reviews as a data set of Hugging Face `datasets`."""
    import datasets

    rows = [dict(zip(columns, review, strict=True)) for review in labelled_reviews(*labels)]
    if names is None:
        return datasets.Dataset.from_list(rows)
    text, label = columns
    features = datasets.Features({text: datasets.Value("string"), label: datasets.ClassLabel(names=names)})
    return datasets.Dataset.from_list(rows, features)
