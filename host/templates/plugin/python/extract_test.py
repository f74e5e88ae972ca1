import unittest

from rules import document, title


class Document(unittest.TestCase):
    def test_the_last_of_two_fences_is_the_page(self):
        answer = "First:\n```html\n<p>a\n```\nNo, better:\n```html\n<title> B </title><p>b\n```\n"
        self.assertEqual(document(answer), ("<title> B </title><p>b", True))
        self.assertEqual(title(document(answer)[0]), "B")

    def test_a_page_that_stops_is_not_whole(self):
        self.assertEqual(document("```html\n<p>half"), ("<p>half", False))
        self.assertEqual(document("<html><p>half"), ("<html><p>half", False))

    def test_words_are_no_page(self):
        self.assertEqual(document("Have you tried a clock?"), (None, False))
