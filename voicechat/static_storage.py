"""Static files under names that carry their hash, inside JavaScript modules too."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class ModuleManifestStorage(ManifestStaticFilesStorage):
    """Rewrites ``import`` statements of ES modules (pitfall 18)."""

    support_js_module_import_aggregation = True
