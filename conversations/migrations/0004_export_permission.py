from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_search'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='conversation',
            options={
                'verbose_name': 'conversation',
                'verbose_name_plural': 'conversations',
                'permissions': [
                    ('read_transcript', 'Can read what was said'),
                    ('export_conversation', 'Can export conversations'),
                ],
            },
        ),
    ]
