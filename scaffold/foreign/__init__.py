"""Make projects of other people's templates: any Copier or Cookiecutter template."""
