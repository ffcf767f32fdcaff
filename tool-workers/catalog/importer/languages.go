package importer

// countryLanguage returns the language that most songs of a country's artists are in, ""
// where there is no such language or English is as usual. It fills in for artists of whom
// no release is known: ISO 3166-1 to ISO 639-1.
func countryLanguage(country string) string {
	switch country {
	case "US", "GB", "IE", "AU", "NZ", "JM", "CA":
		return "en"
	case "ES", "MX", "AR", "CO", "CL", "PE", "VE", "UY", "CU", "DO", "PR", "EC", "BO", "PY", "GT", "PA", "CR", "HN", "SV", "NI":
		return "es"
	case "BR", "PT", "AO", "MZ", "CV":
		return "pt"
	case "FR":
		return "fr"
	case "IT":
		return "it"
	case "JP":
		return "ja"
	case "KR":
		return "ko"
	case "CN", "TW", "HK":
		return "zh"
	case "RU":
		return "ru"
	case "TR":
		return "tr"
	case "GR":
		return "el"
	case "IR":
		return "fa"
	case "EG", "LB", "SY", "SA", "MA", "DZ", "TN", "IQ":
		return "ar"
	case "TH":
		return "th"
	case "VN":
		return "vi"
	case "ID":
		return "id"
	default:
		return ""
	}
}
