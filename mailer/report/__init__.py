"""What do DMARC and TLS reports say? Pure: values in, values out."""
