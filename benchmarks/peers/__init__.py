"""How fast does sizewise train, beside what a user would pick in its place?"""
