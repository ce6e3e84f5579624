import com.pixelmed.validate.DicomSRValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import javax.xml.transform.Source;
import javax.xml.transform.Transformer;
import javax.xml.transform.URIResolver;

/** Paths of reports on the lines that come in; what PixelMed says of each, and a line "> end" after it. */
public class Judge {
    public static void main(String[] arguments) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
        nameWhatIsRead(validator);
        BufferedReader paths = new BufferedReader(new InputStreamReader(System.in));
        for (String path = paths.readLine(); path != null; path = paths.readLine()) {
            try {
                System.out.println(validator.validate(path));
            } catch (Exception error) {
                System.out.println("Error: " + error);
            }
            System.out.println("> end");
        }
    }

    /** The list of context groups has no name, so it is read anew for each code of a report; one with a name is kept. */
    private static void nameWhatIsRead(DicomSRValidator validator) throws Exception {
        Field checking = DicomSRValidator.class.getDeclaredField("transformerPass1");
        checking.setAccessible(true);
        Transformer transformer = (Transformer) checking.get(validator);
        URIResolver nameless = transformer.getURIResolver();
        transformer.setURIResolver((name, base) -> {
            Source found = nameless.resolve(name, base);
            found.setSystemId(name);
            return found;
        });
    }
}
