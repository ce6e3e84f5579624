"""Reading and storing DICOM: one protocol, two implementations (Orthanc's REST, a folder)."""
