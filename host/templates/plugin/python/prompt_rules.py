"""What an AI is told, as pairs of role and text.

Text that stays the same goes first and the person's words go last, unchanged: providers remember a beginning they have seen before, and charge less
for it.
"""

PAGE = (
    "You make one web page: a single, whole HTML document with its style and script inside, in one ```html fence, "
    "and nothing else."
)
CHAT = "You are a kind and witty coach. Answer in three sentences at most, in plain words."
STYLE = "Calm colours, large type, and room to breathe."


def messages(kind, text, style=None, talk=(), page=None):
    """`talk` is what was said before: whether by the coach, and what. `page` is the page an edit or a remix begins with."""
    if kind == "chat":
        before = [("ASSISTANT" if by_coach else "USER", words) for by_coach, words in talk]
        return [("SYSTEM", CHAT), *before, ("USER", text)]
    said = [("SYSTEM", f"{PAGE}\n\nWhat it is: a {kind}.\n\nHouse style: {style or STYLE}")]
    if page is not None:
        said.append(("USER", f"The page as it is now:\n\n```html\n{page}\n```"))
        said.append(("ASSISTANT", "I have it. What shall I change?"))
    return [*said, ("USER", text)]
