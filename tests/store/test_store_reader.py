"""Does a reader notice that somebody wrote?"""

from mailer.store.database import Sqlite, change, transaction, version
from mailer.store.reader import Reader

WRITE = "CREATE TABLE IF NOT EXISTS noticed (number INTEGER)"


async def test_news_are_told_once(store: Sqlite) -> None:
    reader = Reader()
    await reader.has_news()
    assert not await reader.has_news()
    with transaction():
        change(WRITE)
        change("INSERT INTO noticed VALUES (1)")
    assert await reader.has_news()
    assert not await reader.has_news()
    reader.close()


def test_what_one_writes_oneself_is_no_news(store: Sqlite) -> None:
    before = version()
    with transaction():
        change(WRITE)
    assert version() == before
