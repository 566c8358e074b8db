"""The strategies of the field's survey, trained on our split and measured beside our models."""
