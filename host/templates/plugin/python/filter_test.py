import unittest

from rules import VIEWPORT, phone_ready


class PhoneReady(unittest.TestCase):
    def test_a_page_gets_its_viewport_once(self):
        html = phone_ready('<html><head lang="en"><title>x</title></head></html>')
        self.assertIn(f'<head lang="en">{VIEWPORT}<title>', html)
        self.assertEqual(phone_ready(html), html)

    def test_a_page_without_a_head_is_left_alone(self):
        self.assertEqual(phone_ready("<p>Hello"), "<p>Hello")
