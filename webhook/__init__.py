"""What may a browser or a program ask of the appliance?"""
