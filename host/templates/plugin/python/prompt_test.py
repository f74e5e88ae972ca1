import unittest

from rules import messages


class Messages(unittest.TestCase):
    def test_the_style_comes_first_and_the_persons_words_last(self):
        said = messages("game", "snake", style="Neon.")
        self.assertTrue(said[0][1].endswith("House style: Neon."))
        self.assertEqual(said[-1], ("USER", "snake"))

    def test_an_edit_shows_the_page_that_is_there(self):
        self.assertIn("<p>Old", messages("edit", "make it blue", page="<p>Old")[1][1])

    def test_talk_goes_on_from_what_was_said(self):
        said = messages("chat", "so?", talk=[(False, "hi"), (True, "hello")])
        self.assertEqual([role for role, _ in said], ["SYSTEM", "USER", "ASSISTANT", "USER"])
