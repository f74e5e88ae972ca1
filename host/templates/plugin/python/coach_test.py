import unittest

from rules import decide, say


class Coach(unittest.TestCase):
    def test_make_makes_a_page_of_what_follows(self):
        self.assertEqual(decide("Make  a page for my band", "sms", "active", []), (("order", "a page for my band"), None))

    def test_a_new_person_joins_and_is_told_how_to_leave(self):
        (_, words), verb = decide("hello", "sms", "unknown", [])
        self.assertEqual(verb, "join")
        self.assertTrue(words.endswith("STOP to leave."))

    def test_one_who_has_left_is_left_alone(self):
        self.assertEqual(decide("make a page", "sms", "left", [])[0][0], "silence")
        self.assertEqual(decide("START", "sms", "left", [])[1], "return")

    def test_a_page_is_announced_with_its_link_last(self):
        self.assertTrue(say("page-live", {"url": "https://x.example/y"}).endswith("\nhttps://x.example/y"))
