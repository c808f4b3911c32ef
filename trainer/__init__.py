"""The companion program that trains, questions and exports Elascope's models."""
