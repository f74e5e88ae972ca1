import unittest

from rules import names


class Names(unittest.TestCase):
    def test_the_title_names_the_page(self):
        self.assertEqual(names("The Snake of the Nile!", "", "game", [], 7)[:2], ["snake-nile", "snake-nile-game"])

    def test_what_is_taken_is_left_out(self):
        self.assertEqual(names("Snake", "", "game", ["snake", "snake-game"], 7)[0], "snake-2")

    def test_a_title_without_a_plain_letter_leaves_the_kind(self):
        self.assertEqual(names("…!", "", "game", [], 7)[0], "game")
