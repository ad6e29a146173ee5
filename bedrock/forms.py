"""What the page of spending can be asked for."""

from django import forms

from bedrock.ledger import spend


class SpendForm(forms.Form):
    """A table and a range of days (UTC), both ends included."""

    by = forms.ChoiceField(choices=[(name, name) for name in spend.DIMENSIONS], required=False)
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    as_csv = forms.BooleanField(required=False)
