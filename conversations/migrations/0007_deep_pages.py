from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0006_summaries'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='conversation',
            name='conversation_latest',
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['-last_at', '-id'], name='conversation_latest'),
        ),
    ]
