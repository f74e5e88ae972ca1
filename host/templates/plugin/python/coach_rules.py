"""`make …` makes a page, `pages` lists them, anything else is told what there is."""

HELP = "Text MAKE and what you would like, such as: make a page for my band. PAGES lists what you have."
STOP = " Reply STOP to leave."


def decide(text, source, standing, titles):
    """What to do (`order`, `reply`, `report`, `silence`) with its words, and what is done to the account, if anything."""
    text = text.strip()
    first, rest = (text.split(None, 1) + ["", ""])[:2]
    word = first.lower()
    # One who has left is left alone, until they ask to come back.
    if standing == "left":
        return (("report", ""), "return") if word == "start" else (("silence", "the person has left"), None)
    if word in ("make", "wtaf") and rest:
        then = ("order", rest)
    elif word == "pages":
        then = ("reply", listed(titles))
    elif source != "sms" and rest:
        # In the web chat, plain words are an idea.
        then = ("order", text)
    else:
        then = ("reply", HELP)
    if standing != "unknown":
        return then, None
    # A new person joins by whatever they text first.
    if then[0] == "reply" and source == "sms":
        then = ("reply", then[1] + STOP)
    return then, "join"


def say(occasion, values):
    stop = STOP if values.get("first") == "true" else ""
    match occasion:
        case "accepted" if values.get("kind") != "chat":
            return f"On it. The link comes in about a minute.{stop}"
        case "page-live" | "edit-done":
            # The words that announce a page end with its link, and hold no other.
            return f"Here it is.{stop}\n{values.get('url', '')}"
        case "chat":
            return values.get("words")
        case "refused":
            return values.get("why")
        case "failed" | "no-page":
            return "That one did not come out. Say it another way, and I will try again."
        case "limit" | "busy":
            return "That is all for now. Try again in a little while."
        case "welcome" | "welcome-back":
            return f"Good to have you here. {HELP}{stop}"
        case _:
            # Of anything else nothing is said.
            return None


def listed(titles):
    return "\n".join(f"{at} {title}" for at, title in enumerate(titles[:9], 1)) or f"No pages yet. {HELP}"


def names(seed):
    """What a new person may be called, best first. A plugin has no dice: chance comes from the seed."""
    return [f"friend-{1000 + (seed + step * 457) % 9000}" for step in range(20)]
