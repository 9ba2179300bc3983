"""The labelling queue: projects, genres, items, leases, events, acts, versions; what was heard in tracks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ONLY_ADDED = "events are only added: undo is an event of its own"


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folded_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("folded_name", name=op.f("uq_projects_folded_name")),
    )
    op.create_table(
        "genres",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folded_name", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("merged_into", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_genres_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_genres")),
    )
    op.create_index(
        "uq_genres_name_in_use",
        "genres",
        ["project_id", "folded_name"],
        unique=True,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_table(
        "items",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("track_id", sa.String(length=26), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("artist", sa.Text(), nullable=False),
        sa.Column("random_order", sa.Float(precision=53), nullable=False),
        sa.Column("rank", NUMBER, nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("flag", sa.String(length=16), nullable=True),
        sa.Column("n_labels", sa.Integer(), nullable=False),
        sa.Column("n_leases", sa.Integer(), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("probabilities", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_items_project_id")),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name=op.f("fk_items_track_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
    )
    op.create_index(
        "ix_items_random",
        "items",
        ["project_id", "random_order"],
        unique=False,
        sqlite_where=sa.text("available = 1"),
        postgresql_where=sa.text("available"),
    )
    op.create_index(
        "ix_items_ranked",
        "items",
        ["project_id", "rank"],
        unique=False,
        sqlite_where=sa.text("available = 1"),
        postgresql_where=sa.text("available"),
    )
    op.create_index(op.f("ix_items_track_id"), "items", ["track_id"], unique=False)
    op.create_index("uq_items_track", "items", ["project_id", "track_id"], unique=True)
    op.create_table(
        "project_versions",
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("n_labels", sa.Integer(), nullable=False),
        sa.Column("last_event", NUMBER, nullable=False),
        sa.Column("accuracy", sa.Float(precision=53), nullable=True),
        sa.Column("low", sa.Float(precision=53), nullable=True),
        sa.Column("high", sa.Float(precision=53), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("card", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_versions_project_id")),
        sa.PrimaryKeyConstraint("project_id", "version", name=op.f("pk_project_versions")),
    )
    op.create_table(
        "track_features",
        sa.Column("track_id", sa.String(length=26), nullable=False),
        sa.Column("backbone", sa.String(length=100), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("start_s", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.id"], name=op.f("fk_track_features_track_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("track_id", "backbone", name=op.f("pk_track_features")),
    )
    op.create_table(
        "label_events",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=True),
        sa.Column("lease_id", sa.String(length=26), nullable=True),
        sa.Column("undoes", NUMBER, nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("content", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("shown", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_label_events_item_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_label_events_project_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_label_events")),
        sa.UniqueConstraint("lease_id", name=op.f("uq_label_events_lease_id")),
        sa.UniqueConstraint("undoes", name=op.f("uq_label_events_undoes")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_label_events_project_id_actor_number"), "label_events", ["project_id", "actor", "number"], unique=False
    )
    op.create_index(op.f("ix_label_events_project_id_number"), "label_events", ["project_id", "number"], unique=False)
    op.create_table(
        "leases",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_leases_item_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_leases_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leases")),
    )
    op.create_index(
        "ix_leases_held",
        "leases",
        ["project_id", "expires_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_leases_of_annotator",
        "leases",
        ["project_id", "annotator"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_leases_held",
        "leases",
        ["item_id", "annotator"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "acts",
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("project_id", sa.String(length=26), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_acts_item_id")),
        sa.ForeignKeyConstraint(["number"], ["label_events.number"], name=op.f("fk_acts_number")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_acts_project_id")),
        sa.PrimaryKeyConstraint("item_id", "annotator", name=op.f("pk_acts")),
        sa.UniqueConstraint("number", name=op.f("uq_acts_number")),
    )
    op.create_index(op.f("ix_acts_project_id_number"), "acts", ["project_id", "number"], unique=False)
    op.add_column("jobs", sa.Column("project_id", sa.String(length=26), nullable=True))
    op.create_index(op.f("ix_jobs_project_id_id"), "jobs", ["project_id", "id"], unique=False)
    _only_add_events()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER label_events_only_added ON label_events")
        op.execute("DROP FUNCTION refuse_change()")
    op.drop_index(op.f("ix_jobs_project_id_id"), table_name="jobs")
    op.drop_column("jobs", "project_id")
    op.drop_index(op.f("ix_acts_project_id_number"), table_name="acts")
    op.drop_table("acts")
    op.drop_index(
        "uq_leases_held",
        table_name="leases",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_leases_of_annotator",
        table_name="leases",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_leases_held",
        table_name="leases",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("leases")
    op.drop_index(op.f("ix_label_events_project_id_number"), table_name="label_events")
    op.drop_index(op.f("ix_label_events_project_id_actor_number"), table_name="label_events")
    op.drop_table("label_events")
    op.drop_table("track_features")
    op.drop_table("project_versions")
    op.drop_index("uq_items_track", table_name="items")
    op.drop_index(op.f("ix_items_track_id"), table_name="items")
    op.drop_index(
        "ix_items_ranked",
        table_name="items",
        sqlite_where=sa.text("available = 1"),
        postgresql_where=sa.text("available"),
    )
    op.drop_index(
        "ix_items_random",
        table_name="items",
        sqlite_where=sa.text("available = 1"),
        postgresql_where=sa.text("available"),
    )
    op.drop_table("items")
    op.drop_index(
        "uq_genres_name_in_use",
        table_name="genres",
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.drop_table("genres")
    op.drop_table("projects")


def _only_add_events() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER label_events_no_{act.lower()} BEFORE {act} ON label_events "
                f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{ONLY_ADDED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER label_events_only_added BEFORE UPDATE OR DELETE ON label_events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
