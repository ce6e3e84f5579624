import com.pixelmed.validate.DicomSRValidator;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/** Paths of reports on the lines that come in; what PixelMed says of each, and a line "> end" after it. */
public class Judge {
    public static void main(String[] arguments) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
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
}
