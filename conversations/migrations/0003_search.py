from django.db import migrations

from conversations.search.migration import IndexTurns


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0002_both_voices'),
    ]

    operations = [
        IndexTurns(('text',)),
    ]
