"""Blind listening tests: their sounds, who listens, what is asked and what was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listening_tests",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("n_listeners", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_tests")),
    )
    op.create_table(
        "listeners",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("test_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["test_id"], ["listening_tests.id"], name=op.f("fk_listeners_test_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listeners")),
    )
    op.create_index(op.f("ix_listeners_test_id_name"), "listeners", ["test_id", "name"], unique=True)
    op.create_index(op.f("ix_listeners_test_id_number"), "listeners", ["test_id", "number"], unique=True)
    op.create_table(
        "listening_items",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("test_id", sa.String(length=26), nullable=False),
        sa.Column("system", sa.String(length=100), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("source", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["test_id"], ["listening_tests.id"], name=op.f("fk_listening_items_test_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_items")),
    )
    op.create_index(op.f("ix_listening_items_test_id_id"), "listening_items", ["test_id", "id"], unique=False)
    op.create_table(
        "listening_questions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("test_id", sa.String(length=26), nullable=False),
        sa.Column("listener_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("item_a", sa.String(length=26), nullable=False),
        sa.Column("item_b", sa.String(length=26), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=True),
        sa.Column("answer", sa.String(length=8), nullable=True),
        sa.Column("plays", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_a"], ["listening_items.id"], name=op.f("fk_listening_questions_item_a"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_b"], ["listening_items.id"], name=op.f("fk_listening_questions_item_b"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["listener_id"], ["listeners.id"], name=op.f("fk_listening_questions_listener_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["test_id"], ["listening_tests.id"], name=op.f("fk_listening_questions_test_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_questions")),
    )
    op.create_index(
        op.f("ix_listening_questions_listener_id_position"),
        "listening_questions",
        ["listener_id", "position"],
        unique=True,
    )
    op.create_index(op.f("ix_listening_questions_test_id_id"), "listening_questions", ["test_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_listening_questions_test_id_id"), table_name="listening_questions")
    op.drop_index(op.f("ix_listening_questions_listener_id_position"), table_name="listening_questions")
    op.drop_table("listening_questions")
    op.drop_index(op.f("ix_listening_items_test_id_id"), table_name="listening_items")
    op.drop_table("listening_items")
    op.drop_index(op.f("ix_listeners_test_id_number"), table_name="listeners")
    op.drop_index(op.f("ix_listeners_test_id_name"), table_name="listeners")
    op.drop_table("listeners")
    op.drop_table("listening_tests")
