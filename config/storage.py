"""Static files under names that change with their content, ES module imports included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Rewrite ``import`` addresses too, so that a module never loads another release's half."""

    support_js_module_import_aggregation = True
