import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import conversations.retention.hold
from conversations.search.migration import IndexTurns


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('conversations', '0004_export_permission'),
        ('dialogue', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # SQLite makes the table of turns anew, without the triggers that keep the index.
        IndexTurns((), before=('text',)),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40, unique=True, verbose_name='name')),
            ],
            options={
                'verbose_name': 'tag',
                'verbose_name_plural': 'tags',
                'ordering': ['name'],
            },
        ),
        migrations.AlterModelOptions(
            name='conversation',
            options={'permissions': [('read_transcript', 'Can read what was said'), ('export_conversation', 'Can export conversations'), ('label_conversation', 'Can rate, tag, annotate and correct'), ('watch_live', 'Can watch a conversation while it goes on'), ('hold_conversation', 'Can put on legal hold and release')], 'verbose_name': 'conversation', 'verbose_name_plural': 'conversations'},
        ),
        migrations.AddField(
            model_name='call',
            name='seen_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Until then it was surely going on.', null=True),
        ),
        migrations.AddField(
            model_name='conversation',
            name='disliked_count',
            field=models.PositiveIntegerField(default=0, verbose_name='disliked answers'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='duration_ms',
            field=models.PositiveBigIntegerField(default=0, help_text='Of all calls that have ended.', verbose_name='duration (ms)'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='grade',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(1, 'bad'), (2, 'poor'), (3, 'fair'), (4, 'good'), (5, 'excellent')], help_text='By a reviewer.', null=True, verbose_name='grade'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='legal_hold',
            field=models.BooleanField(default=False, help_text='Nothing of it is deleted, by nobody.', verbose_name='legal hold'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='erasure_asked_at',
            field=models.DateTimeField(blank=True, help_text='By the person, while on legal hold: it is deleted when that ends.', null=True, verbose_name='deletion asked for'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='liked_count',
            field=models.PositiveIntegerField(default=0, verbose_name='liked answers'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='note',
            field=models.TextField(blank=True, max_length=10000, verbose_name='note'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='p95_ms',
            field=models.PositiveIntegerField(blank=True, help_text='From the end of what was said to the first sound or word of the answer.', null=True, verbose_name='p95 to the answer (ms)'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='protocol',
            field=models.CharField(blank=True, help_text='Of the latest call.', max_length=24, verbose_name='protocol'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='reviewed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='reviewed'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='reviewed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewed by'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='sound_purged_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='sound deleted'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='text_purged_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='text deleted'),
        ),
        migrations.AddField(
            model_name='turn',
            name='corrected_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='corrected'),
        ),
        migrations.AddField(
            model_name='turn',
            name='corrected_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='corrected by'),
        ),
        migrations.AddField(
            model_name='turn',
            name='corrected_text',
            field=models.TextField(blank=True, help_text='What was really said, by a reviewer.', verbose_name='corrected text'),
        ),
        migrations.CreateModel(
            name='Access',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True, verbose_name='at')),
                ('username', models.CharField(max_length=150, verbose_name='username')),
                ('what', models.CharField(choices=[('read', 'read'), ('heard', 'heard'), ('exported', 'exported'), ('labelled', 'labelled'), ('watched', 'watched'), ('searched', 'searched'), ('deleted', 'deleted'), ('held', 'put on legal hold'), ('released', 'released from legal hold')], max_length=12, verbose_name='what')),
                ('conversation_id', models.UUIDField(db_index=True, null=True, verbose_name='conversation')),
                ('turn_id', models.UUIDField(null=True, verbose_name='turn')),
                ('detail', models.CharField(blank=True, max_length=200, verbose_name='detail')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'access',
                'verbose_name_plural': 'access log',
                'ordering': ['-at'],
            },
        ),
        migrations.AddField(
            model_name='conversation',
            name='tags',
            field=models.ManyToManyField(blank=True, related_name='conversations', to='conversations.tag', verbose_name='tags'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['-error_count', '-interruption_count', '-last_at'], name='conversation_worst'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['p95_ms'], name='conversation_p95'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['protocol'], name='conversation_protocol'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['language'], name='conversation_language'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['seen_at'], name='call_open'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['duration_ms'], name='conversation_duration'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='person',
            field=models.ForeignKey(on_delete=conversations.retention.hold.cascade_unless_held, related_name='conversations', to='accounts.person', verbose_name='person'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('legal_hold', True)), fields=['-last_at'], name='conversation_held'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('reviewed_at__isnull', True)), fields=['-last_at'], name='conversation_unreviewed'),
        ),
        IndexTurns(('text', 'corrected_text')),
    ]
