import re
import unittest

from haiku import ANY_SEASON, DOINGS, MOODS, THINGS, names, season_of, settings

OCTOBER = 1_760_000_000_000


class Names(unittest.TestCase):
    def test_the_same_seed_gives_the_same_lines_and_another_gives_others(self):
        self.assertEqual(names(7, "autumn", 16, "", []), names(7, "autumn", 16, "", []))
        self.assertNotEqual(names(7, "autumn", 16, "", []), names(8, "autumn", 16, "", []))

    def test_every_line_fits_the_contract(self):
        for seed in [0, 7, 2**64 - 1]:
            found = names(seed, "winter", 100, "Ünïcode 日本", [])
            self.assertEqual(len(set(found)), 100)
            for name in found:
                self.assertRegex(name, re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$"))
                self.assertLessEqual(len(name), 64)

    def test_what_is_taken_is_never_proposed_even_when_every_line_is(self):
        everything = len(MOODS["spring"] + ANY_SEASON) * len(THINGS) * len(DOINGS)
        taken = names(1, "spring", everything + 50, "", [])
        self.assertEqual(len(set(taken)), everything + 50)
        self.assertTrue(set(names(1, "spring", 16, "", taken)).isdisjoint(taken))

    def test_what_the_page_is_about_comes_first(self):
        self.assertIn("dragonfly", names(7, "summer", 16, "All about Dragonflys", [])[0])

    def test_the_season_is_that_of_the_job(self):
        self.assertEqual(season_of(OCTOBER), "autumn")
        self.assertEqual(settings({}, OCTOBER), ("autumn", 16))
        self.assertEqual(settings({"season": "spring", "count": 3}, OCTOBER), ("spring", 3))

    def test_a_slip_in_the_config_is_told(self):
        for config in [{"seson": "spring"}, {"season": "monsoon"}, {"count": 0}, {"count": "many"}]:
            with self.assertRaises(ValueError):
                settings(config, OCTOBER)


class Syllables(unittest.TestCase):
    """A rough count: groups of vowels, a mute e at the end of each part left out."""

    def test_every_line_has_about_seven(self):
        def count(word):
            parts = word.split("-")
            return sum(max(1, len(re.findall("[aeiouy]+", re.sub("(?<=[^l])e$", "", part)))) for part in parts)

        near = lambda words, wanted: all(abs(count(word) - wanted) <= 1 for word in words)
        self.assertTrue(near([word for words in MOODS.values() for word in words] + ANY_SEASON, 2))
        self.assertTrue(near(THINGS, 3))
        self.assertTrue(near(DOINGS, 2))
