"""The main job: which keys leave when rows change."""

import pytest

from daemon import rules_file

pytestmark = pytest.mark.both_sources

COMMENTS = rules_file(
    """
  get_comments = {
    key = "get_comments:{post_id}";
    triggers = ( "blog_comment",
                 { table = "blog_post"; on = "delete"; bind = { post_id = "id"; }; } );
    all = { action = "scan"; match = "get_comments:*"; };
  };
  post = { key = "post:{id}"; triggers = "blog_post"; };
  posts = { triggers = "blog_post"; };
"""
)

COMMENT_KEYS = {f"blog:get_comments:{n}" for n in range(1, 10)}
POST_KEYS = {f"blog:post:{n}" for n in range(1, 10)}
KEYS = COMMENT_KEYS | POST_KEYS | {"blog:posts", "canary", "get_comments:1"}


@pytest.fixture
def gone(blog, redis, run_cdcd):
    """Which of the blog's keys leave when statements run."""
    cdcd = run_cdcd(blog, COMMENTS, redis)

    def run(statements):
        redis.warm(*KEYS)
        blog.sql(statements)
        cdcd.caught_up()
        return KEYS - redis.left()

    return run


@pytest.mark.smoke
def test_an_inserted_comment_clears_its_posts_comments(gone):
    assert gone("INSERT INTO blog_comment VALUES (10, 3, 'new')") == {"blog:get_comments:3"}


@pytest.mark.smoke
def test_an_edited_comment_clears_its_posts_comments(gone):
    assert gone("UPDATE blog_comment SET text = 'x' WHERE id = 4") == {"blog:get_comments:4"}


@pytest.mark.smoke
def test_a_comment_that_moves_clears_both_posts(gone):
    moved = gone("UPDATE blog_comment SET post_id = 5 WHERE id = 3")
    assert moved == {"blog:get_comments:3", "blog:get_comments:5"}


def test_a_deleted_comment_clears_its_posts_comments(gone):
    assert gone("DELETE FROM blog_comment WHERE id = 6") == {"blog:get_comments:6"}


def test_a_row_whose_primary_key_changes_clears_both_keys(gone):
    renamed = gone(
        "DELETE FROM blog_comment WHERE id = 8; UPDATE blog_post SET id = 80 WHERE id = 8"
    )
    assert renamed == {"blog:get_comments:8", "blog:post:8", "blog:posts"}


@pytest.mark.smoke
def test_a_deleted_post_clears_what_the_cascade_reaches(gone):
    deleted = gone("DELETE FROM blog_post WHERE id = 7")
    assert deleted == {"blog:post:7", "blog:posts", "blog:get_comments:7"}


@pytest.mark.smoke
def test_a_truncated_table_clears_every_key_of_its_caches(gone):
    assert gone("TRUNCATE blog_comment") == COMMENT_KEYS


def test_a_truncate_that_cascades_clears_the_tables_it_reaches(gone):
    cleared = gone("TRUNCATE blog_post CASCADE")
    assert COMMENT_KEYS | {"blog:posts"} <= cleared
    assert not cleared & {"canary", "get_comments:1"}


def test_many_rows_of_one_statement_clear_each_its_key(gone):
    assert gone("UPDATE blog_comment SET text = text || '!' WHERE id < 8") == {
        f"blog:get_comments:{n}" for n in range(1, 8)
    }


@pytest.mark.replication
def test_an_update_that_changes_nothing_clears_all_the_same(gone):
    assert gone("UPDATE blog_comment SET text = text WHERE id = 2") == {"blog:get_comments:2"}


def test_null_in_a_parameter_names_no_key(gone):
    assert gone("INSERT INTO blog_comment VALUES (11, NULL, 'of no post')") == set()


def test_a_row_that_loses_its_post_clears_the_old_key(gone):
    lost = gone("UPDATE blog_comment SET post_id = NULL WHERE id = 5")
    assert lost == {"blog:get_comments:5"}


def test_a_rolled_back_transaction_clears_nothing(gone):
    assert gone("BEGIN; DELETE FROM blog_comment; ROLLBACK") == set()


def test_tables_of_no_rule_clear_nothing(gone):
    assert gone("CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)") == set()
