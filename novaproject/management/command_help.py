"""`manage.py help`: our commands first, by what they are for, each with what it does; Django's own after them."""

from django.core.management import ManagementUtility, get_commands, load_command_class

#: In the order in which somebody meets them.
GROUPS = {
    "Folders and files": ("import_directory", "scan", "relocate_root", "make_proxies", "tag", "suggest", "reconcile"),
    "Speech": ("transcribe",),
    "What is seen": ("frames", "see", "read", "duplicates"),
    "Analysis by Amazon Nova": ("analyze", "reparse", "poll_bedrock", "refresh_models"),
    "Search": ("search", "embed"),
    "Models": ("download_model",),
    "Setting up and running": ("set_up", "serve", "work", "jobs", "doctor", "api_token"),
    "Keeping": ("backup", "restore", "export", "move_to_postgres"),
}
FLOORS = ("files", "transcription", "vision", "bedrock", "nova", "embeddings", "curation", "jobs", "novaproject")
NAME_WIDTH = 18


class CommandLine(ManagementUtility):
    """Django's command line with a help that begins with what this program is for."""

    def main_help_text(self, commands_only: bool = False) -> str:  # noqa: FBT001, FBT002  (Django's signature)
        if commands_only:
            return super().main_help_text(commands_only)
        apps = {name: app for name, app in get_commands().items() if app in FLOORS}
        ungrouped = sorted(set(apps) - {name for names in GROUPS.values() for name in names})
        lines = [f"{self.prog_name} COMMAND --help tells more, with an example."]
        for heading, names in {**GROUPS, "Others of ours": tuple(ungrouped)}.items():
            known = [name for name in names if name in apps]
            if known:
                lines += ["", heading, *(f"  {name:<{NAME_WIDTH}}{_purpose(apps[name], name)}" for name in known)]
        others = sorted(set(get_commands()) - set(apps))
        return "\n".join([*lines, "", "Of Django and its libraries", f"  {', '.join(others)}"])


def _purpose(app: str, name: str) -> str:
    """The first sentence of what a command says of itself."""
    text = " ".join(load_command_class(app, name).help.split())
    return text.split(". ")[0].split(": ")[0].rstrip(".")
