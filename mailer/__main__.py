"""How is the command started without its script, as the parent of the services does?"""

from mailer.cli import main

if __name__ == "__main__":
    main()
