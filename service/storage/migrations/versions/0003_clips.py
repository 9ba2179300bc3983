"""Generated clips: what was asked for, the takes that were made, their files, and the jobs about them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clips",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=26), nullable=False),
        sa.Column("request", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("plan", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clips")),
    )
    op.create_index(op.f("ix_clips_state_updated_at"), "clips", ["state", "updated_at"], unique=False)
    op.create_table(
        "takes",
        sa.Column("clip_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.Column("genre_agreement", sa.Float(precision=53), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("codes", sa.LargeBinary(), nullable=False),
        sa.Column("n_codebooks", sa.Integer(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_takes_clip_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("clip_id", "number", name=op.f("pk_takes")),
    )
    op.create_table(
        "take_files",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("clip_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clip_id", "number"],
            ["takes.clip_id", "takes.number"],
            name=op.f("fk_take_files_clip_id_number"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_take_files")),
    )
    op.create_index(
        op.f("ix_take_files_clip_id_number_format"), "take_files", ["clip_id", "number", "format"], unique=True
    )
    op.add_column("jobs", sa.Column("clip_id", sa.String(length=26), nullable=True))
    op.create_index(op.f("ix_jobs_clip_id_id"), "jobs", ["clip_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_jobs_clip_id_id"), table_name="jobs")
    op.drop_column("jobs", "clip_id")
    op.drop_index(op.f("ix_take_files_clip_id_number_format"), table_name="take_files")
    op.drop_table("take_files")
    op.drop_table("takes")
    op.drop_index(op.f("ix_clips_state_updated_at"), table_name="clips")
    op.drop_table("clips")
